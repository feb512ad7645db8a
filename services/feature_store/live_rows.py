"""The rows that changed items have beside each snapshot.

Beside a snapshot of n items a changed item has the row n + number, unless the snapshot has the item and was created after
the change: then it is taken to have learnt of it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from services.feature_store.item_changes import ItemPlace
from services.feature_store.items import FeatureSnapshot

#: Of a snapshot beside which nothing counts.
NO_ROWS: Mapping[str, int] = MappingProxyType({})


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
