"""A damaged snapshot is refused, and every file that is wrong is named."""

from pathlib import Path

import msgspec
import pytest

from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import FileEntry, Manifest
from shared.snapshot.repository import SnapshotRepository
from shared.snapshot.verification import list_files, verify_files
from tests.unit.shared.snapshot.published import publish


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """The manifest of a snapshot published as s1."""
    return publish(SnapshotRepository(tmp_path), "s1")


@pytest.fixture
def folder(tmp_path: Path, manifest: Manifest) -> Path:
    """The folder of that snapshot."""
    return tmp_path / manifest.id


def test_every_file_but_the_manifest_is_listed(folder: Path) -> None:
    """By path, with size and checksum; a manifest further down is a file like any other."""
    (folder / "ranker" / "manifest.json").write_bytes(b"{}")
    assert list_files(folder) == (
        FileEntry("popularity.npy", 10, "b91d83b6c41a231217b7fc0bfda05c4b6c1d801b87ab71e97e6d80630df579c8"),
        FileEntry("ranker/manifest.json", 2, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        FileEntry("ranker/model.onnx", 5, "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"),
    )


def test_a_whole_snapshot_passes(folder: Path, manifest: Manifest) -> None:
    """All files, or those that a service uses."""
    verify_files(folder, manifest)
    verify_files(folder, manifest, only=["popularity.npy"])
    verify_files(folder, manifest, only=[])


def test_every_bad_file_is_named(folder: Path, manifest: Manifest) -> None:
    """Missing, of another size, of another content, and not in the manifest, all in one refusal."""
    (folder / "popularity.npy").write_bytes(b"short")
    (folder / "ranker" / "model.onnx").write_bytes(b"MODEL")
    missing = msgspec.structs.replace(manifest, files=(*manifest.files, FileEntry("golden.json", 1, "00")))
    with pytest.raises(SnapshotRefused) as refusal:
        verify_files(folder, missing, only=[*(entry.path for entry in missing.files), "notes.txt"])
    assert refusal.value.snapshot_id == "s1"
    assert refusal.value.problem.split("; ") == [
        "popularity.npy has 5 bytes, not 10",
        "ranker/model.onnx has another checksum than the manifest says",
        "golden.json is missing",
        "notes.txt is not in the manifest",
    ]


def test_a_bad_file_that_a_service_does_not_use_does_not_concern_it(folder: Path, manifest: Manifest) -> None:
    """Each service checks what it loads, so that start-up costs no more than that."""
    (folder / "ranker" / "model.onnx").unlink()
    verify_files(folder, manifest, only=["popularity.npy"])
    with pytest.raises(SnapshotRefused, match=r"ranker/model\.onnx is missing"):
        verify_files(folder, manifest)


@pytest.mark.parametrize("path", ["../outside", "ranker/../../outside", "link"])
def test_a_file_outside_of_the_folder_is_refused(folder: Path, manifest: Manifest, path: str) -> None:
    """A manifest cannot make a service read what is not in the snapshot, not by a link either."""
    (folder.parent / "outside").write_bytes(b"secret")
    (folder / "link").symlink_to(folder.parent / "outside")
    (entry,) = [entry for entry in list_files(folder) if entry.path == "link"]
    lured = msgspec.structs.replace(manifest, files=(msgspec.structs.replace(entry, path=path),))
    with pytest.raises(SnapshotRefused, match="leads out of the snapshot's folder"):
        verify_files(folder, lured)
