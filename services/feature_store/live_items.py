"""Items that come, change and go between two trainings: on disk first, then beside every snapshot that is held."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from services.feature_store.item_changes import Changed, Item, ItemChange, ItemChangeStore
from services.feature_store.items import FeatureSnapshot
from services.feature_store.live_rows import LiveRows
from shared.errors import TooManyLiveItems

#: Of stored changes that one answer holds: with the last of them it stays below what any client of gRPC takes.
ANSWER_BYTES = 2 << 20


@dataclass(frozen=True)
class Upserted:
    """What became of items that were upserted.

    Attributes:
        added: How many were neither in the newest snapshot nor upserted before.
        updated: How many were.
        version: Of the last change.
    """

    added: int
    updated: int
    version: int


@dataclass(frozen=True)
class Withdrawn:
    """What became of items that were withdrawn.

    Attributes:
        withdrawn: How many were in the newest snapshot or upserted, and not withdrawn before.
        version: Of the last change.
    """

    withdrawn: int
    version: int


@dataclass(frozen=True)
class Changes:
    """A part of what changed.

    Attributes:
        changes: By rising version; of each item the last.
        version: After which to ask next.
        more: Whether there are more.
    """

    changes: Sequence[ItemChange]
    version: int
    more: bool


class LiveItems:
    """Changes items, lists the changes, and knows the rows of changed items beside the snapshots that were loaded here.

    Opening it reads the place of every item that was ever changed.

    Args:
        store: Where changes are kept.
        limit: How many changes may count beside the newest snapshot: what follows them holds all of them in memory.
        now_ms: The time in milliseconds since 1970, UTC; a parameter for tests.
    """

    def __init__(
        self,
        store: ItemChangeStore,
        limit: int,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store = store
        self._limit = limit
        self._now_ms = now_ms
        self._places = dict(store.places())
        self._version = max((place.version for place in self._places.values()), default=0)
        self._lock = threading.Lock()
        self._beside = WeakKeyDictionary[FeatureSnapshot, LiveRows]()
        self._turn = asyncio.Lock()

    def load(self, snapshot: FeatureSnapshot) -> FeatureSnapshot:
        """Takes a snapshot that was loaded, and returns it. May be used in any thread."""
        rows = LiveRows(snapshot)
        with self._lock:
            for item_id, place in self._places.items():
                rows.put(item_id, place)
            self._beside[snapshot] = rows
        return snapshot

    def beside(self, snapshot: FeatureSnapshot) -> LiveRows | None:
        """Returns the changes that count beside a snapshot that was loaded here; None where none does."""
        if not self._places:  # as of most stores: nothing is looked up
            return None
        rows = self._beside[snapshot]
        return rows if rows.row_of else None

    async def upsert(self, items: Sequence[Item], newest: FeatureSnapshot) -> Upserted:
        """Adds or changes items, all or none; on return they are on disk.

        Args:
            items: The items, no id twice.
            newest: The newest snapshot that is held.

        Raises:
            TooManyLiveItems: too many changes would count beside the newest snapshot.
            Overloaded: too much is waiting to be written.
            StorageFull: there is no room for them.
            Unavailable: the store is closing.
        """
        changed = await self._change(items, newest)
        updated = sum(
            item.item_id in newest.row_of or (before is not None and before.upserted)
            for item, before in zip(items, changed.before, strict=True)
        )
        return Upserted(len(items) - updated, updated, _last_version(changed))

    async def withdraw(self, item_ids: Sequence[str], newest: FeatureSnapshot) -> Withdrawn:
        """Withdraws items, all or none; on return that is on disk. Raises as `upsert` does.

        The limit holds for ids that nobody has; items of the newest snapshot, and upserted ones, can always be withdrawn.
        """
        changed = await self._change([Item(item_id, withdrawn=True) for item_id in item_ids], newest)
        withdrawn = sum(
            item_id in newest.row_of if before is None else not before.withdrawn
            for item_id, before in zip(item_ids, changed.before, strict=True)
        )
        return Withdrawn(withdrawn, _last_version(changed))

    def is_up_to_date(self, after: int) -> bool:
        """Whether there is no change after a version."""
        return after == self._version

    def changes(self, after: int, limit: int) -> Changes:
        """Returns the changes after a version, oldest first. May be used in any thread.

        Where the store knows less than the caller, because it is another store than the one that was asked before, there
        is nothing to list: `version` is then below `after`, and the caller has to begin anew.
        """
        changes, more = self._store.changes(after, limit, ANSWER_BYTES)
        if changes:
            return Changes(changes, changes[-1].version, more)
        return Changes((), min(after, self._version), more=False)

    async def _change(self, items: Sequence[Item], newest: FeatureSnapshot) -> Changed:
        # A clock that lags behind that of training must not make the newest snapshot think that it knows the change.
        at_ms = max(self._now_ms(), newest.created_ms + 1)
        # One by one, so that the check of each sees what those before it have changed.
        async with self._turn:
            return await self._store.change(items, at_ms, lambda: self._check(items, newest), self.publish)

    def _check(self, items: Sequence[Item], newest: FeatureSnapshot) -> None:
        uncovered = self._beside[newest].uncovered
        added = sum(
            item.item_id not in uncovered and not (item.withdrawn and item.item_id in newest.row_of) for item in items
        )
        if added and len(uncovered) + added > self._limit:
            raise TooManyLiveItems(
                f"{len(uncovered)} items were changed since the newest snapshot was made, and {added} more would exceed "
                f"{self._limit}; train a snapshot that has them"
            )

    def publish(self, changed: Changed) -> None:
        """Takes what was changed, here or by another replica, to every snapshot that is in use."""
        with self._lock:
            self._places.update(changed.places)
            for rows in self._beside.values():
                for item_id, place in changed.places.items():
                    rows.put(item_id, place)
            self._version = _last_version(changed)


def _last_version(changed: Changed) -> int:
    return max(place.version for place in changed.places.values())
