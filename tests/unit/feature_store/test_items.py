"""What the feature store loads from a snapshot, and what it refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from services.feature_store.items import FeatureSnapshot, load_feature_snapshot
from shared.snapshot.catalogue import Catalogue, CatalogueItem, write_catalogue
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.repository import SnapshotRepository
from tests.snapshot_factory import MAX_HISTORY, build_snapshot
from tests.snapshot_weights import ITEM_FEATURES, Weights

ITEMS = 20

Change = Callable[[Path], None]


def load(root: Path, spoil: Change | None = None, damage: Change | None = None) -> FeatureSnapshot:
    """Builds a snapshot and loads it.

    Args:
        root: Where to.
        spoil: Changes the folder before checksums are taken.
        damage: Changes the folder after that.
    """
    manifest = build_snapshot(root, items=ITEMS, spoil=spoil)
    folder = SnapshotRepository(root).folder(manifest.id)
    if damage is not None:
        damage(folder)
    return load_feature_snapshot(folder, manifest)


def rename_an_item(folder: Path) -> None:
    """Changes the catalogue to another that is as good."""
    path = folder / "catalogue.jsonl"
    path.write_bytes(path.read_bytes().replace(b"item-00007", b"item-70000"))


def change_a_feature(folder: Path) -> None:
    """Changes the matrix to another that is as good."""
    matrix = np.load(folder / "item_features.npy")
    np.save(folder / "item_features.npy", matrix[::-1])


def test_rows_and_features_are_those_of_the_snapshot(tmp_path: Path) -> None:
    """Row by row."""
    snapshot = load(tmp_path)
    assert snapshot.row_of == {f"item-{row:05d}": row for row in range(ITEMS)}
    assert np.array_equal(snapshot.item_features, Weights.draw(ITEMS, seed=0).item_features)
    assert snapshot.max_history == MAX_HISTORY
    assert snapshot.user_features({"gender": "F"}).shape == (snapshot.user_features.width,)


@pytest.mark.parametrize(
    ("damage", "path"), [(rename_an_item, "catalogue.jsonl"), (change_a_feature, "item_features.npy")]
)
def test_a_file_that_is_not_the_one_training_wrote_is_refused(tmp_path: Path, damage: Change, path: str) -> None:
    """By its name, though nothing else is wrong with it."""
    with pytest.raises(SnapshotRefused, match=f"{path} has another checksum"):
        load(tmp_path, damage=damage)


@pytest.mark.parametrize("path", ["ranker/model.onnx", "channels/content/index.ann"])
def test_files_of_other_services_are_not_looked_at(tmp_path: Path, path: str) -> None:
    """Reading gigabytes of index to serve features would delay every swap."""
    assert load(tmp_path, damage=lambda folder: (folder / path).unlink()).max_history == MAX_HISTORY


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((ITEMS, len(ITEM_FEATURES)), dtype=np.float64),
        np.zeros((ITEMS - 1, len(ITEM_FEATURES)), dtype=np.float32),
        np.zeros((ITEMS, len(ITEM_FEATURES) + 1), dtype=np.float32),
        np.full((ITEMS, len(ITEM_FEATURES)), np.nan, dtype=np.float32),
    ],
)
def test_a_matrix_that_does_not_match_the_manifest_is_refused(tmp_path: Path, matrix: NDArray[Any]) -> None:
    """Its type, its rows, its columns, and numbers that are none."""
    with pytest.raises(SnapshotRefused, match=r"item_features\.npy"):
        load(tmp_path, spoil=lambda folder: np.save(folder / "item_features.npy", matrix))


def test_the_matrix_may_be_written_to_and_the_file_stays_as_it_is(tmp_path: Path) -> None:
    """What is written belongs to the process: another that maps the file does not see it."""
    snapshot = load(tmp_path)
    snapshot.item_features[3] = 7.0
    path = SnapshotRepository(tmp_path).folder("snapshot-1") / "item_features.npy"
    assert np.array_equal(np.load(path), Weights.draw(ITEMS, seed=0).item_features)
    assert not isinstance(snapshot.item_features, np.memmap)


@pytest.mark.parametrize(
    ("created", "created_ms"),
    [("2026-01-01T00:00:00Z", 1_767_225_600_000), ("2026-01-01T01:00:00.250+01:00", 1_767_225_600_250)],
)
def test_the_time_of_its_making_is_that_of_the_manifest(tmp_path: Path, created: str, created_ms: int) -> None:
    """In any zone, to the millisecond."""
    manifest = build_snapshot(tmp_path, items=ITEMS, created=created)
    assert load_feature_snapshot(SnapshotRepository(tmp_path).folder(manifest.id), manifest).created_ms == created_ms


@pytest.mark.parametrize("created", ["", "yesterday", "2026-01-01T00:00:00"])
def test_a_snapshot_that_cannot_say_when_it_was_made_is_refused(tmp_path: Path, created: str) -> None:
    """Nobody could tell what was written after it."""
    manifest = build_snapshot(tmp_path, items=ITEMS, created=created)
    with pytest.raises(SnapshotRefused, match=r"created is .*, no time of RFC 3339"):
        load_feature_snapshot(SnapshotRepository(tmp_path).folder(manifest.id), manifest)


def test_a_catalogue_of_another_length_is_refused(tmp_path: Path) -> None:
    """Its rows would not be those of the other files."""
    short = Catalogue([CatalogueItem("item-00000", "Title 0")])
    with pytest.raises(SnapshotRefused, match=r"catalogue\.jsonl has 1 items; the manifest says 20"):
        load(tmp_path, spoil=lambda folder: write_catalogue(short, folder / "catalogue.jsonl"))
