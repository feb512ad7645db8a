"""The gateway's own copy of a snapshot: the catalogue and what is popular, to answer with when all else fails."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Rows
from services.gateway.catalogue_index import CatalogueIndex
from services.gateway.filters import Filter
from shared.features import UserFeatureTransform
from shared.snapshot.arrays import map_floats
from shared.snapshot.catalogue import Catalogue, read_catalogue
from shared.snapshot.creation import created_ms
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest
from shared.snapshot.verification import verify_files


class GatewaySnapshot:
    """What the gateway needs of a snapshot.

    Args:
        manifest: The snapshot's table of contents.
        catalogue: All items by row.
        popularity: float32 [items], higher is more popular.

    Attributes:
        id: The snapshot's id.
        items: How many items it has.
        created_ms: When it was made, in milliseconds since 1970, UTC.
        manifest: As given.
        catalogue: As given.
        index: Which items have a category or attribute.
        popular_rows: uint32 [items], all rows, the most popular first.
        popularity_ranks: uint32 [items], the place of each row in popular_rows.
        user_features: Turns attributes into features, for when the feature store does not.
        standing_filters: What no answer may hold.
    """

    def __init__(self, manifest: Manifest, catalogue: Catalogue, popularity: NDArray[np.float32]) -> None:
        self.id = manifest.id
        self.items = len(catalogue)
        self.created_ms = created_ms(manifest)
        self.manifest = manifest
        self.catalogue = catalogue
        self.index = CatalogueIndex(catalogue)
        self.popular_rows = np.argsort(-popularity, kind="stable").astype(np.uint32)
        self.popularity_ranks = np.argsort(self.popular_rows).astype(np.uint32)
        self.user_features = UserFeatureTransform(manifest.feature_schema.user_fields)
        self.standing_filters: tuple[Filter, ...] = ()
        self._declared = frozenset(field.name for field in manifest.feature_schema.user_fields)

    def declares(self, attribute: str) -> bool:
        """Returns whether the feature schema has a user attribute of that name."""
        return attribute in self._declared

    def history_rows(self, item_ids: Iterable[str]) -> list[int]:
        """Returns the rows by which models know the items of a history, in its order, without those of unknown ids."""
        return self.catalogue.rows_of(item_ids)

    def has(self, item_id: str) -> bool:
        """Returns whether somebody may have done something with an item of this id."""
        return self.catalogue.row_of(item_id) is not None

    def means(self, rows: Rows) -> NDArray[np.bool_]:
        """Returns which rows stand for an item."""
        return rows < self.items

    def _copy_from(self, snapshot: "GatewaySnapshot") -> None:
        """Takes over all that another has: for one that differs from it in parts."""
        self.__dict__.update(snapshot.__dict__)


def load_snapshot(folder: Path, manifest: Manifest) -> GatewaySnapshot:
    """Loads the gateway's part of a snapshot.

    Raises:
        SnapshotRefused: a file is not what training wrote, or the files do not fit together.
    """
    verify_files(folder, manifest, only=[manifest.catalogue, manifest.popularity])
    catalogue = read_catalogue(folder / manifest.catalogue)
    if len(catalogue) != manifest.items:
        raise SnapshotRefused(manifest.id, f"the catalogue has {len(catalogue)} items, not {manifest.items}")
    popularity = map_floats(folder, manifest.popularity, [manifest.items])
    return GatewaySnapshot(manifest, catalogue, popularity)
