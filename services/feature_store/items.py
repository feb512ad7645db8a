"""What the feature store needs from a snapshot: the row of each item, the feature matrix, the users' transform."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.feature_store.counted_fields import CountedFields
from services.feature_store.field_states import FieldRules
from services.feature_store.seen_filter import ItemHashes, hash_items
from services.feature_store.written_values import WrittenValues
from shared.feature_views import counters_of
from shared.features import UserFeatureTransform
from shared.snapshot.arrays import map_floats
from shared.snapshot.catalogue import read_catalogue
from shared.snapshot.creation import created_ms
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest
from shared.snapshot.verification import verify_files


@dataclass(frozen=True, eq=False)
class FeatureSnapshot:
    """The part of a snapshot that turns what is stored into rows and features.

    Attributes:
        row_of: The row of each item id.
        created_ms: When it was made, in milliseconds since 1970, UTC.
        column_of: The column of each item feature.
        item_features: float32 [items, item features], finite: the snapshot's own, and what was written over them.
        written: What was written over them.
        item_hashes: By row, to ask filters of seen items about all of them.
        user_features: From attributes to float32 [user features].
        field_rules: How long users' attributes hold, and what stands in for them.
        max_history: History items that the models look at.
        counted: The users' fields that are counted; None where none are.
    """

    row_of: Mapping[str, int]
    created_ms: int
    column_of: Mapping[str, int]
    item_features: NDArray[np.float32]
    written: WrittenValues
    item_hashes: ItemHashes
    user_features: UserFeatureTransform
    field_rules: FieldRules
    max_history: int
    counted: CountedFields | None = None


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
    schema = manifest.feature_schema
    names, shape = schema.item_features, (manifest.items, len(schema.item_features))
    features = map_floats(folder, manifest.item_features, shape, copy_on_write=True)
    own = map_floats(folder, manifest.item_features, shape)
    counters = counters_of(schema.views, "user")
    return FeatureSnapshot(
        row_of=row_of,
        created_ms=created_ms(manifest),
        column_of={name: column for column, name in enumerate(names)},
        item_features=features,
        written=WrittenValues(features, own, schema.item_ttl_seconds),
        item_hashes=ItemHashes(hash_items(row_of)),
        user_features=UserFeatureTransform(schema.user_fields),
        field_rules=FieldRules(schema.user_fields),
        max_history=manifest.max_history,
        counted=CountedFields(counters) if counters else None,
    )
