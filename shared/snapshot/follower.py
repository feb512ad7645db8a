"""Follows the `current` pointer: loads a new snapshot beside the old one, then swaps; holds the two newest."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from shared import metrics
from shared.errors import SnapshotNotHeld, Unavailable
from shared.garbage import spare_what_lives
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest
from shared.snapshot.repository import SnapshotRepository

Loaded = TypeVar("Loaded")

#: Builds what a service needs from a snapshot's folder: verifies the files it uses, opens them, replays golden
#: requests. Runs in a thread, off the event loop. Raises SnapshotRefused where something does not match.
Load = Callable[[Path, Manifest], Loaded]

#: A refused snapshot is tried again after this long: its files may have been on their way.
RETRY_SECONDS = 30.0

log = structlog.get_logger()


class SnapshotFollower(Generic[Loaded]):
    """Holds what a service loaded from the current snapshot and from the one before it.

    Requests name their snapshot, and those of the previous one go on being answered while the suite moves over.
    A snapshot that is refused changes nothing: the service goes on with what it has.

    Args:
        repository: Where snapshots are published.
        load: Builds what the service needs from one.
        poll_seconds: How often to look at the pointer.
        clock: Tells the seconds that pass between attempts at a refused snapshot.
    """

    def __init__(
        self,
        repository: SnapshotRepository,
        load: Load[Loaded],
        poll_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._repository = repository
        self._load = load
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._held: dict[str, Loaded] = {}  # newest first, at most two
        self._refused: tuple[str, float] = ("", 0.0)  # id, when to try again
        self._said_waiting = False
        self.ready = asyncio.Event()

    @property
    def ids(self) -> list[str]:
        """The ids that are held, newest first."""
        return list(self._held)

    def get(self, snapshot_id: str) -> Loaded:
        """Returns what was loaded from a snapshot.

        Raises:
            SnapshotNotHeld: it is neither the current nor the previous one.
            Unavailable: nothing was loaded yet.
        """
        self._check_loaded()
        try:
            return self._held[snapshot_id]
        except KeyError:
            raise SnapshotNotHeld(snapshot_id, self.ids) from None

    @property
    def newest(self) -> Loaded:
        """What was loaded from the newest snapshot.

        Raises:
            Unavailable: nothing was loaded yet.
        """
        self._check_loaded()
        return next(iter(self._held.values()))

    async def follow(self) -> None:
        """Looks at the pointer for ever, and loads what it points to."""
        while True:
            await self.poll()
            await asyncio.sleep(self._poll_seconds)

    async def poll(self) -> None:
        """Loads the snapshot that `current` points to, unless it is held already or was refused just now."""
        current = await self._read_pointer()
        refused, try_again = self._refused
        if current is None or self.ids[:1] == [current] or (current == refused and self._clock() < try_again):
            return
        try:
            await self._move_to(current)
        except SnapshotRefused as error:
            self._refuse(current, str(error))
        except Exception as error:  # a snapshot may break a library in any way; it must not break the service
            self._refuse(current, repr(error))

    async def _read_pointer(self) -> str | None:
        try:
            current = await asyncio.to_thread(self._repository.current)  # a network file system may be slow
        except OSError as error:
            log.error("cannot read the pointer to the current snapshot", error=str(error))
            return None
        if current is None and not self._said_waiting:
            self._said_waiting = True
            log.warning("no snapshot is published yet; waiting", folder=str(self._repository.root))
        return current

    def _check_loaded(self) -> None:
        if not self._held:
            raise Unavailable("no snapshot is loaded yet")

    async def _move_to(self, snapshot_id: str) -> None:
        started = time.perf_counter()
        loaded = self._held.get(snapshot_id)  # a roll back returns to the previous one, which is still here
        if loaded is None:
            loaded = await asyncio.to_thread(self._open, snapshot_id)
        previous = next((held for held in self._held if held != snapshot_id), None)
        spare_what_lives()
        dropped = [held for held in self._held if held not in (snapshot_id, previous)]
        self._held = {snapshot_id: loaded} | ({previous: self._held[previous]} if previous is not None else {})
        metrics.SNAPSHOT_LOADED.labels(snapshot_id).set_to_current_time()
        for old in dropped:
            metrics.SNAPSHOT_LOADED.remove(old)
        self.ready.set()
        log.info("snapshot loaded", snapshot=snapshot_id, seconds=round(time.perf_counter() - started, 3))

    def _open(self, snapshot_id: str) -> Loaded:
        return self._load(self._repository.folder(snapshot_id), self._repository.manifest(snapshot_id))

    def _refuse(self, snapshot_id: str, problem: str) -> None:
        metrics.SNAPSHOT_FAILURES.inc()
        self._refused = (snapshot_id, self._clock() + RETRY_SECONDS)
        log.error("snapshot refused; going on with what is held", snapshot=snapshot_id, problem=problem, held=self.ids)
