"""Follows the changes of items for every snapshot that is held."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from pathlib import Path

import structlog

from services.recall import metrics
from services.recall.live.changes import ChangeFeed, ChangePage, FeedUnavailable
from services.recall.live.delta import Delta
from services.recall.live.live_items import LiveItems
from services.recall.snapshot import RecallSnapshot
from shared.snapshot.follower import Load
from shared.snapshot.manifest import Manifest

log = structlog.get_logger()


class LiveItemsFollower:
    """Asks again and again what changed. Without an answer everything else goes on.

    Every snapshot has read its own way through the changes, from the beginning: nothing is kept of them but what became
    of them beside the snapshots.

    Args:
        feed: Who tells of changes.
        held: Returns what is beside each snapshot that is held, the newest first.
        pool: A thread of its own: places items and builds deltas, one after the other.
        poll_seconds: How often to ask.
    """

    def __init__(
        self, feed: ChangeFeed, held: Callable[[], Iterable[LiveItems]], pool: Executor, poll_seconds: float
    ) -> None:
        self._feed = feed
        self._held = held
        self._pool = pool
        self._poll_seconds = poll_seconds
        self._problem: str | None = None

    def complete(self, load: Load[RecallSnapshot]) -> Load[RecallSnapshot]:
        """Returns a way of loading snapshots in which each has what is beside it before it is served.

        Called on the event loop; what it returns runs on another thread. Without an answer the snapshot is served as it is.
        """
        loop = asyncio.get_running_loop()

        def load_completely(folder: Path, manifest: Manifest) -> RecallSnapshot:
            snapshot = load(folder, manifest)
            asyncio.run_coroutine_threadsafe(self.catch_up([snapshot.live]), loop).result()
            return snapshot

        return load_completely

    async def follow(self) -> None:
        """Asks for ever."""
        while True:
            await self.poll()
            await asyncio.sleep(self._poll_seconds)

    async def poll(self) -> None:
        """Brings every held snapshot up to what there is now, if there is an answer."""
        held = list(self._held())
        await self.catch_up(held)
        for live in held:
            await asyncio.get_running_loop().run_in_executor(self._pool, live.refine)
        if held:
            _count(held[0].delta or held[0].nothing)

    async def catch_up(self, held: Iterable[LiveItems]) -> None:
        """Brings snapshots up to what there is now, if there is an answer. Never fails."""
        try:
            for live in held:
                more = True
                while more:
                    more = await self._advance(live)
            self._say(None)
        except FeedUnavailable as error:
            self._say(str(error))
        except Exception as error:  # a change may break a library in any way; it must not break the service
            self._say(repr(error), cause=error)

    async def _advance(self, live: LiveItems) -> bool:
        page: ChangePage = await self._feed.changes_after(live.version)
        metrics.ITEM_FEED_READ.set_to_current_time()
        if page.changes or page.version != live.version:
            await asyncio.get_running_loop().run_in_executor(self._pool, live.apply, page)
        return page.more

    def _say(self, problem: str | None, cause: Exception | None = None) -> None:
        """Tells once of a problem and once of its end."""
        if problem is None and self._problem is not None:
            log.info("changes of items are followed again")
        elif problem is not None and self._problem is None:
            tell = log.warning if cause is None else log.error
            tell("changes of items are not followed; going on without them", problem=problem, exc_info=cause)
        self._problem = problem


def _count(delta: Delta) -> None:
    withdrawn = len(delta.known.hidden)
    for kind, count in (
        ("new", len(delta.new)),
        ("changed", len(delta.known) - withdrawn),
        ("withdrawn", withdrawn),
    ):
        metrics.LIVE_ITEMS.labels(kind).set(count)
