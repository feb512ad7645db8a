"""What the feature store needs from a snapshot: the row of each item, the feature matrix, the users' transform."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.features import UserFeatureTransform
from shared.snapshot.arrays import map_floats
from shared.snapshot.catalogue import read_catalogue
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest, created_ms
from shared.snapshot.verification import verify_files


@dataclass(frozen=True, eq=False)
class FeatureSnapshot:
    """The part of a snapshot that turns what is stored into rows and features.

    Attributes:
        row_of: The row of each item id.
        created_ms: When it was made, in milliseconds since 1970, UTC.
        column_of: The column of each item feature.
        item_features: float32 [items, item features], finite. Private to this process and writable.
        user_features: From attributes to float32 [user features].
        max_history: History items that the models look at.
    """

    row_of: Mapping[str, int]
    created_ms: int
    column_of: Mapping[str, int]
    item_features: NDArray[np.float32]
    user_features: UserFeatureTransform
    max_history: int


def load_feature_snapshot(folder: Path, manifest: Manifest) -> FeatureSnapshot:
    """Verifies and loads the catalogue and the item features.

    Raises:
        SnapshotRefused: a file is not what training wrote, or does not match the manifest.
    """
    verify_files(folder, manifest, only=[manifest.catalogue, manifest.item_features])
    # Titles and categories are let go: of a million items they take half a gigabyte that is never read here.
    row_of = {item.id: row for row, item in enumerate(read_catalogue(folder / manifest.catalogue))}
    if len(row_of) != manifest.items:
        raise SnapshotRefused(
            manifest.id, f"{manifest.catalogue} has {len(row_of)} items; the manifest says {manifest.items}"
        )
    names = manifest.feature_schema.item_features
    return FeatureSnapshot(
        row_of=row_of,
        created_ms=created_ms(manifest),
        column_of={name: column for column, name in enumerate(names)},
        item_features=map_floats(folder, manifest.item_features, (manifest.items, len(names)), copy_on_write=True),
        user_features=UserFeatureTransform(manifest.feature_schema.user_fields),
        max_history=manifest.max_history,
    )
