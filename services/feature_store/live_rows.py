"""The rows that changed items have beside each snapshot.

Beside a snapshot of n items a changed item has the row n + number, unless the snapshot has the item and was created after
the change: then it is taken to have learnt of it.
"""

import numpy as np
from numpy.typing import NDArray

from services.feature_store.item_changes import ItemPlace
from services.feature_store.items import FeatureSnapshot
from services.feature_store.seen_filter import ItemHashes, hash_items, seen_rows


class LiveRows:
    """The changes that count beside one snapshot. Written by one thread, and read by others meanwhile.

    Args:
        snapshot: The snapshot.

    Attributes:
        row_of: The row of each item whose change counts.
        uncovered: The items that a next snapshot would have to learn of: those whose change counts, but for items of the
            snapshot that are withdrawn, since nothing is to be learnt of those.
    """

    def __init__(self, snapshot: FeatureSnapshot) -> None:
        self._snapshot = snapshot
        self.row_of: dict[str, int] = {}
        self.uncovered: set[str] = set()
        self._hashed = _HashedRows([])

    def put(self, item_id: str, place: ItemPlace) -> None:
        """Takes the last change of an item. That of an item that the snapshot lacks counts for ever."""
        known = item_id in self._snapshot.row_of
        if known and place.changed_at_ms <= self._snapshot.created_ms:
            return
        self.row_of[item_id] = len(self._snapshot.row_of) + place.number
        if known and place.withdrawn:
            self.uncovered.discard(item_id)
        else:
            self.uncovered.add(item_id)

    def seen(self, seen_filter: bytes) -> NDArray[np.uint32]:
        """Returns the rows, ascending, of the items that a filter of seen items may have been told of."""
        hashed = self._hashed
        if len(hashed.rows) < len(self.row_of):  # rows are only ever added
            hashed = self._hashed = _HashedRows(list(self.row_of.items()))
        return np.sort(hashed.rows[seen_rows(seen_filter, hashed.hashes)])


class _HashedRows:
    """Rows and the hashes of their items, to ask a filter about all of them at once."""

    def __init__(self, row_of: list[tuple[str, int]]) -> None:
        self.rows = np.array([row for _, row in row_of], dtype=np.uint32)
        self.hashes = ItemHashes(hash_items(item_id for item_id, _ in row_of))
