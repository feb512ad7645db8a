"""A snapshot with next to nothing in it, for tests of what surrounds a snapshot."""

from pathlib import Path

from shared.snapshot.manifest import FORMAT_VERSION, FeatureSchema, Manifest, RankerEntry
from shared.snapshot.repository import SnapshotRepository
from shared.snapshot.verification import list_files


def manifest_for(staged: Path, snapshot_id: str) -> Manifest:
    """Returns a manifest for the files in a folder."""
    return Manifest(
        format_version=FORMAT_VERSION,
        id=snapshot_id,
        created="2026-01-01T00:00:00Z",
        dataset="none",
        items=0,
        max_history=1,
        feature_schema=FeatureSchema(user_fields=(), item_features=()),
        channels=(),
        ranker=RankerEntry("ranker/model.onnx"),
        objectives=(),
        files=list_files(staged),
    )


def publish(repository: SnapshotRepository, snapshot_id: str, *, activate: bool = False) -> Manifest:
    """Publishes a snapshot of two files, one of them in a folder."""
    with repository.staging() as staged:
        (staged / "ranker").mkdir()
        (staged / "ranker" / "model.onnx").write_bytes(b"model")
        (staged / "popularity.npy").write_bytes(b"popularity")
        manifest = manifest_for(staged, snapshot_id)
        repository.publish(staged, manifest)
    if activate:
        repository.activate(snapshot_id)
    return manifest
