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


def load(root: Path, spoil: Callable[[Path], None] | None = None, damage: str = "") -> FeatureSnapshot:
    """Builds a snapshot and loads it.

    Args:
        root: Where to.
        spoil: Changes the folder before checksums are taken.
        damage: A file to overwrite after that.
    """
    manifest = build_snapshot(root, items=ITEMS, spoil=spoil)
    folder = SnapshotRepository(root).folder(manifest.id)
    if damage:
        (folder / damage).write_bytes(b"damaged")
    return load_feature_snapshot(folder, manifest)


def test_rows_and_features_are_those_of_the_snapshot(tmp_path: Path) -> None:
    """Row by row."""
    snapshot = load(tmp_path)
    assert snapshot.row_of == {f"item-{row:05d}": row for row in range(ITEMS)}
    assert np.array_equal(snapshot.item_features, Weights.draw(ITEMS, seed=0).item_features)
    assert snapshot.max_history == MAX_HISTORY
    assert snapshot.user_features({"gender": "F"}).shape == (snapshot.user_features.width,)


@pytest.mark.parametrize("path", ["catalogue.jsonl", "item_features.npy"])
def test_a_damaged_file_is_refused(tmp_path: Path, path: str) -> None:
    """By its name."""
    with pytest.raises(SnapshotRefused, match=path):
        load(tmp_path, damage=path)


@pytest.mark.parametrize("path", ["ranker/model.onnx", "channels/content/index.ann"])
def test_files_of_other_services_are_not_looked_at(tmp_path: Path, path: str) -> None:
    """Reading gigabytes of index to serve features would delay every swap."""
    assert load(tmp_path, damage=path).max_history == MAX_HISTORY


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


def test_a_catalogue_of_another_length_is_refused(tmp_path: Path) -> None:
    """Its rows would not be those of the other files."""
    short = Catalogue([CatalogueItem("item-00000", "Title 0")])
    with pytest.raises(SnapshotRefused, match=r"catalogue\.jsonl has 1 items; the manifest says 20"):
        load(tmp_path, spoil=lambda folder: write_catalogue(short, folder / "catalogue.jsonl"))
