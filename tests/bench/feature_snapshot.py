"""A snapshot of any size that holds what the feature store loads, and nothing else."""

from pathlib import Path

import numpy as np

from shared.features import UserField
from shared.snapshot.catalogue import Catalogue, CatalogueItem, write_catalogue
from shared.snapshot.manifest import FORMAT_VERSION, FeatureSchema, Manifest, RankerEntry
from shared.snapshot.repository import SnapshotRepository
from shared.snapshot.verification import list_files

SNAPSHOT_ID = "bench"

#: Fifteen attributes, as many as a talkative site knows of its users.
USER_FIELDS = (
    *(UserField(f"category-{number}", "categorical", tuple(f"v{value}" for value in range(8))) for number in range(8)),
    *(UserField(f"number-{number}", "number", mean=1.0, deviation=2.0) for number in range(7)),
)


def item_id(row: int) -> str:
    """Returns the id of the item in a row."""
    return f"item-{row:06d}"


def build_feature_snapshot(root: Path, items: int, features: int, seed: int) -> Manifest:
    """Publishes and activates a snapshot with random item features.

    Args:
        root: The repository's folder.
        items: Rows of the catalogue.
        features: Columns of the item feature matrix.
        seed: What the features follow from.
    """
    repository = SnapshotRepository(root)
    with repository.staging() as folder:
        write_catalogue(Catalogue(CatalogueItem(item_id(row), "") for row in range(items)), folder / "catalogue.jsonl")
        matrix = np.random.default_rng(seed).normal(size=(items, features)).astype(np.float32)
        np.save(folder / "item_features.npy", matrix)
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            id=SNAPSHOT_ID,
            created="2026-01-01T00:00:00Z",
            dataset="bench",
            items=items,
            max_history=50,
            feature_schema=FeatureSchema(USER_FIELDS, tuple(f"feature_{number}" for number in range(features))),
            channels=(),
            ranker=RankerEntry(""),
            objectives=(),
            files=list_files(folder),
        )
        repository.publish(folder, manifest)
    repository.activate(SNAPSHOT_ID)
    return manifest
