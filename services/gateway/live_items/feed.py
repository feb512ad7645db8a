"""Follows the changes of items: a snapshot is served with everything that changed since it was made."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import structlog

from services.gateway import metrics
from services.gateway.degradation import NeighbourFailed
from services.gateway.live_items.changes import ItemChange, ItemStore
from services.gateway.live_items.snapshot import beside
from services.gateway.snapshot import GatewaySnapshot

#: The most seconds to wait for a part of what changed.
LIST_TIMEOUT = 1.0

log = structlog.get_logger()


class HeldSnapshots(Protocol):
    """The snapshots that the gateway holds; a `SnapshotFollower` is one."""

    @property
    def ids(self) -> list[str]:
        """The ids that are held, newest first."""
        ...

    def get(self, snapshot_id: str) -> GatewaySnapshot:
        """Returns one of those that are held."""
        ...


class _Built(NamedTuple):
    """A snapshot, and what it is served as."""

    snapshot: GatewaySnapshot
    served: GatewaySnapshot


class ItemFeed:
    """Holds the last change of every item. While the store cannot be read, what it told last is what counts.

    Args:
        store: Lists changes.
        held: The snapshots to prepare for.
        poll_seconds: How often to ask.

    Attributes:
        asked: Set once the store was asked, whether or not it answered.
    """

    def __init__(self, store: ItemStore, held: HeldSnapshots, poll_seconds: float) -> None:
        self._store = store
        self._held = held
        self._poll_seconds = poll_seconds
        self._changes: Mapping[str, ItemChange] = {}
        self._version = 0
        self._built: Mapping[str, _Built] = {}
        self._turn = asyncio.Lock()
        self._polls = 0
        self._problem: str | None = None
        self.asked = asyncio.Event()

    def beside(self, snapshot: GatewaySnapshot) -> GatewaySnapshot:
        """Returns a snapshot with what changed since it was made; itself where nothing did."""
        if not self._changes:
            return snapshot
        built = self._built.get(snapshot.id)
        if built is None or built.snapshot is not snapshot:  # it was loaded after the last change came
            built = _Built(snapshot, beside(snapshot, self._changes.values()))
            self._built = {**self._built, snapshot.id: built}
        return built.served

    async def follow(self) -> None:
        """Asks for ever."""
        while True:
            await self.catch_up()
            await asyncio.sleep(self._poll_seconds)

    async def catch_up(self) -> None:
        """Takes in what changed. On return everything counts that was on disk before the call, if the store answered."""
        enough = self._polls + 1
        async with self._turn:
            if self._polls < enough:  # else somebody else's asking began after this call, and is over
                self._polls += 1
                await self._poll()

    async def _poll(self) -> None:
        """Asks once. Never fails: what is known goes on to count."""
        try:
            await self._take_in()
            self._say(None)
        except NeighbourFailed as failed:
            self._say(str(failed))
        except Exception as error:  # a change may break what is built of it in any way; it must not break the service
            self._say(repr(error), cause=error)
        finally:
            self.asked.set()

    async def _take_in(self) -> None:
        changes, version = await self._read()
        metrics.ITEM_FEED_READ.set_to_current_time()
        if version != self._version:
            held = [self._held.get(snapshot_id) for snapshot_id in self._held.ids]
            built = await asyncio.to_thread(
                lambda: {one.id: _Built(one, beside(one, changes.values())) for one in held}
            )
            self._changes, self._version, self._built = changes, version, built

    def _say(self, problem: str | None, cause: Exception | None = None) -> None:
        """Tells once of a problem and once of its end."""
        if problem is None and self._problem is not None:
            log.info("changes of items are followed again")
        elif problem is not None and self._problem is None:
            tell = log.warning if cause is None else log.error
            tell("changes of items are not followed; going on with what is known", problem=problem, exc_info=cause)
        self._problem = problem

    async def _read(self) -> tuple[Mapping[str, ItemChange], int]:
        """Returns the last change of every item, and the version that they are of."""
        changes, version = dict(self._changes), self._version
        while True:
            page = await self._store.list_item_changes(version, LIST_TIMEOUT)
            if page.version < version:  # a store that knows less is another one
                log.warning("the store of items is another one; reading it anew")
                changes.clear()
                version = 0
                continue
            changes.update((change.item.id, change) for change in page.changes)
            version = page.version
            if not page.more:
                return changes, version
