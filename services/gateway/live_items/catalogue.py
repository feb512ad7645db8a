"""A snapshot's catalogue with what changed since."""

from collections.abc import Iterable, Iterator, Sequence

from services.gateway.live_items.changes import ItemChange
from shared.snapshot.catalogue import Catalogue, CatalogueItem


class LiveCatalogue(Catalogue):
    """All items by row: those of the snapshot as they were, and those that were changed in rows of their own.

    An id leads to the item as it is now: to the row of its change, or to none where it is withdrawn.

    Args:
        snapshot: Of the snapshot, n items.
        changes: Those that count beside it, each of another item; each has row n + number.
    """

    def __init__(self, snapshot: Catalogue, changes: Sequence[ItemChange]) -> None:
        self._snapshot = snapshot
        self._changed = {change.number: change.item for change in changes}
        self._row_of_changed = {
            change.item.id: None if change.withdrawn else len(snapshot) + change.number for change in changes
        }

    def __len__(self) -> int:
        """The number of rows, which is more than that of items: some rows stand for none, or for what is gone."""
        return len(self._snapshot) + max(self._changed, default=-1) + 1

    def __iter__(self) -> Iterator[CatalogueItem]:
        """Yields the items as they are now, in no order."""
        for item in self._snapshot:
            if item.id not in self._row_of_changed:
                yield item
        for item in self._changed.values():
            if self._row_of_changed[item.id] is not None:
                yield item

    def __getitem__(self, row: int) -> CatalogueItem:
        known = len(self._snapshot)
        return self._snapshot[row] if row < known else self._changed[row - known]

    def row_of(self, item_id: str) -> int | None:
        """Returns the row of an id as it is now, or None where there is none or it is withdrawn."""
        if item_id in self._row_of_changed:
            return self._row_of_changed[item_id]
        return self._snapshot.row_of(item_id)

    def rows_of(self, item_ids: Iterable[str]) -> list[int]:
        """Returns the rows of the ids that there are, in the order given; the others are left out."""
        return [row for row in map(self.row_of, item_ids) if row is not None]

    def knows(self, item_id: str) -> bool:
        """Returns whether an id means something: an item, or one that was withdrawn."""
        return item_id in self._row_of_changed or self._snapshot.row_of(item_id) is not None
