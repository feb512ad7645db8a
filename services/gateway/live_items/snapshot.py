"""A snapshot with what changed since it was made: everything that asks a snapshot asks this in the same way."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Rows
from services.gateway.filters import ConditionFilter
from services.gateway.live_items.catalogue import LiveCatalogue
from services.gateway.live_items.changes import ItemChange
from services.gateway.live_items.index import LiveIndex
from services.gateway.snapshot import GatewaySnapshot


class WithdrawnFilter(ConditionFilter):
    """Removes rows that stand for no item any more: of withdrawn items, and the former rows of changed ones."""

    name = "withdrawn"


class LiveSnapshot(GatewaySnapshot):
    """A snapshot of n items, and changed items in rows from n on. Immutable; building it takes a pass over what changed.

    Args:
        snapshot: The snapshot.
        changes: Those that count beside it, at least one.
    """

    def __init__(self, snapshot: GatewaySnapshot, changes: Sequence[ItemChange]) -> None:
        self._copy_from(snapshot)
        items = snapshot.items
        self._catalogue = LiveCatalogue(snapshot.catalogue, changes)
        self.catalogue = self._catalogue
        self._known = snapshot.catalogue
        live = [change for change in changes if not change.withdrawn]
        rows = np.array([items + change.number for change in live], dtype=np.int64)
        former = [snapshot.catalogue.row_of(change.item.id) for change in live]
        gone = [row for change in changes if (row := snapshot.catalogue.row_of(change.item.id)) is not None]
        total = len(self.catalogue)
        self._meant = np.ones(total, dtype=np.bool_)
        self._meant[items:] = False
        self._meant[[items + change.number for change in changes]] = True
        shown = self._meant.copy()
        shown[gone] = False
        shown[[items + change.number for change in changes if change.withdrawn]] = False
        self.standing_filters = (WithdrawnFilter(shown),)
        self.index = LiveIndex(snapshot.index, [change.item for change in live], rows, shown)
        self._former = np.full(total - items, -1, dtype=np.int64)
        self._former[rows - items] = [-1 if row is None else row for row in former]
        self.popular_rows, self.popularity_ranks = _by_popularity(snapshot, shown, rows, self._former)

    def history_rows(self, item_ids: Iterable[str]) -> list[int]:
        """Returns the rows by which models know items; see `GatewaySnapshot`. Of an item that they do not, its own."""
        known, now = self._known.row_of, self.catalogue.row_of
        found = ((known(item_id), item_id) for item_id in item_ids)
        rows = (now(item_id) if row is None else row for row, item_id in found)
        return [row for row in rows if row is not None]

    def has(self, item_id: str) -> bool:
        """Returns whether something may have been done with an item, see `GatewaySnapshot`: withdrawn ones included."""
        return self._catalogue.knows(item_id)

    def means(self, rows: Rows) -> NDArray[np.bool_]:
        """Returns which rows stand, or stood, for an item."""
        return self._meant.take(rows, mode="clip") & (rows < len(self._meant))

    def former_rows(self, rows: Rows) -> NDArray[np.int64]:
        """Returns, for rows from n on that stand for items, the row that the snapshot has for the item; -1 for none."""
        former: NDArray[np.int64] = self._former[rows.astype(np.int64) - self.items]
        return former


def beside(snapshot: GatewaySnapshot, changes: Iterable[ItemChange]) -> GatewaySnapshot:
    """Returns the snapshot with the changes that count beside it; the snapshot itself where none does.

    An upsert counts where the snapshot does not have the item, or was created before: otherwise it has learnt of it. A
    withdrawal counts until the item is upserted again, whatever a snapshot says that was trained without knowing of it.
    """
    counting = [
        change
        for change in changes
        if change.withdrawn
        or change.changed_at_ms > snapshot.created_ms
        or snapshot.catalogue.row_of(change.item.id) is None
    ]
    return LiveSnapshot(snapshot, counting) if counting else snapshot


def _by_popularity(
    snapshot: GatewaySnapshot, shown: NDArray[np.bool_], rows: NDArray[np.int64], former: NDArray[np.int64]
) -> tuple[Rows, NDArray[np.uint32]]:
    """Returns all shown rows, the most popular first, and the place of each row; a row without one has the last.

    A changed item keeps its place. Of a new one nobody knows how popular it is: it comes after all others.
    """
    order = snapshot.popular_rows.copy()
    before = former[rows - snapshot.items]
    order[snapshot.popularity_ranks[before[before >= 0]]] = rows[before >= 0]
    ordered = np.concatenate([order[shown[order]], np.sort(rows[before < 0]).astype(np.uint32)])
    ranks = np.full(len(shown), len(ordered), dtype=np.uint32)
    ranks[ordered] = np.arange(len(ordered), dtype=np.uint32)
    return ordered, ranks
