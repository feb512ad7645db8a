"""Passes items that are upserted or withdrawn to the feature store, and makes them count here."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.gateway.degradation import NeighbourFailed
from services.gateway.live_items.changes import ItemStore, NewItem, Upserted
from services.gateway.live_items.feed import ItemFeed
from services.gateway.run import Deadline
from services.gateway.write_errors import write_error
from shared.errors import DeadlineExceeded, TooManyLiveItems, WinnowError

Result = TypeVar("Result")


class ItemWriter:
    """Writes items.

    Args:
        store: Keeps them.
        feed: Makes them count in this process, before the answer; in others it does so by itself.
        budget: The most seconds to wait for the store.
    """

    def __init__(self, store: ItemStore, feed: ItemFeed, budget: float) -> None:
        self._store = store
        self._feed = feed
        self._budget = budget

    async def upsert(self, items: Sequence[NewItem], deadline: Deadline) -> Upserted:
        """Adds or changes all items or none; on return they are on disk.

        Raises:
            Unavailable: the feature store cannot be reached, does not answer within the budget, or fails.
            Overloaded: it has too much to do.
            StorageFull: it has no room left.
            TooManyLiveItems: too many items would be in no snapshot.
            DeadlineExceeded: the caller's deadline passed first.
        """
        return await self._write(lambda budget: self._store.upsert_items(items, budget), deadline)

    async def withdraw(self, item_ids: Sequence[str], deadline: Deadline) -> int:
        """Withdraws all items or none, and returns how many were there; on return that is on disk. Raises as `upsert`."""
        return await self._write(lambda budget: self._store.withdraw_items(item_ids, budget), deadline)

    async def _write(self, write: Callable[[float], Awaitable[Result]], deadline: Deadline) -> Result:
        if deadline.remaining <= 0:
            raise DeadlineExceeded("the deadline passed before the items were sent on; nothing was changed")
        try:
            result = await write(min(self._budget, deadline.remaining))
        except NeighbourFailed as failure:
            raise _error_of(failure, deadline) from failure
        await self._feed.catch_up()
        return result


def _error_of(failure: NeighbourFailed, deadline: Deadline) -> WinnowError:
    if failure.kind == TooManyLiveItems.reason:
        return TooManyLiveItems("too many items are in no snapshot yet; train one that has them")
    return write_error(failure, deadline, "write the items")
