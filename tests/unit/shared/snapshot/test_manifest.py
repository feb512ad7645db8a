"""A manifest comes back as it was written, and one that this version cannot trust is refused with the reason."""

from pathlib import Path

import msgspec
import pytest

from shared.features import UserField
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import (
    FORMAT_VERSION,
    MANIFEST_FILE,
    ChannelEntry,
    FeatureSchema,
    FileEntry,
    Manifest,
    ProjectionEntry,
    RankerEntry,
    SearchPoint,
    encode_manifest,
    read_manifest,
)

MANIFEST = Manifest(
    format_version=FORMAT_VERSION,
    id="s1",
    created="2026-01-01T00:00:00Z",
    dataset="books",
    items=3,
    max_history=50,
    feature_schema=FeatureSchema(
        user_fields=(
            UserField("region", "categorical", vocabulary=("north", "south")),
            UserField("age", "number", mean=30.0, deviation=9.5),
        ),
        item_features=("popularity", "age"),
    ),
    channels=(
        ChannelEntry(
            name="sequence",
            kind="annoy",
            quota=2.0,
            dimension=32,
            trees=20,
            search_k=4000,
            encoder="e.onnx",
            curve=(SearchPoint(neighbours=500, search_k=4000, recall=0.9375, milliseconds=0.5),),
            projection=ProjectionEntry(words="w.json", components="c.npy"),
        ),
        ChannelEntry(name="popularity", kind="popularity", quota=1.0),
    ),
    ranker=RankerEntry("ranker/model.onnx"),
    objectives=("like",),
    files=(FileEntry("golden.json", 2, "00"),),
    metrics={"test.ranked.ndcg@10": 0.25},
    training={"seed": 7, "torch": "2.13.0", "tuned": True},
)


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Every part of it, with tuples and defaults."""
    (tmp_path / MANIFEST_FILE).write_bytes(encode_manifest(MANIFEST))
    assert read_manifest(tmp_path) == MANIFEST


def test_a_manifest_without_what_came_later_is_read(tmp_path: Path) -> None:
    """Snapshots of before it was measured stay readable."""
    older = msgspec.to_builtins(MANIFEST)
    for channel in older["channels"]:
        del channel["curve"], channel["projection"]
    (tmp_path / MANIFEST_FILE).write_bytes(msgspec.json.encode(older))
    assert [channel.curve for channel in read_manifest(tmp_path).channels] == [(), ()]


def test_a_manifest_can_be_read_by_people() -> None:
    """One value a line."""
    assert b'\n "id": "s1",\n' in encode_manifest(MANIFEST)


def test_another_format_is_refused_by_its_number(tmp_path: Path) -> None:
    """Before anything else is read: what the rest means may have changed."""
    (tmp_path / MANIFEST_FILE).write_bytes(b'{"format_version": 2, "id": {"new": "shape"}}')
    with pytest.raises(SnapshotRefused, match=f"its format is 2; this version of winnow reads {FORMAT_VERSION}"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is not a manifest"),
        (b"{}", "is not a manifest: Object missing required field `format_version`"),
        (b'{"format_version": 1}', "is not a manifest: Object missing required field `id`"),
        (b'{"format_version": 1, "id": "\xff"}', "is not a manifest"),
        (encode_manifest(msgspec.structs.replace(MANIFEST, items="3")), r"Expected `int`, got `str` - at `\$.items`"),  # type: ignore[arg-type, unused-ignore]
    ],
)
def test_what_is_no_manifest_is_refused_with_the_reason(tmp_path: Path, content: bytes, problem: str) -> None:
    """The refusal names the snapshot by its folder, and the part of the manifest that is wrong."""
    folder = tmp_path / "s1"
    folder.mkdir()
    (folder / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(SnapshotRefused, match=rf"^snapshot s1: manifest\.json .*{problem}"):
        read_manifest(folder)


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    """The operating system's reason is given."""
    with pytest.raises(SnapshotRefused, match=r"manifest\.json cannot be read: No such file or directory"):
        read_manifest(tmp_path / "s1")
