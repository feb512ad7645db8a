"""The store in LMDB: crash-safe without a server, read in microseconds, written by one thread in groups."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Self, TypeVar

import lmdb
import structlog

from services.feature_store import metrics
from services.feature_store.databases import DATABASES, EVENT_KEYS, ITEM_COUNTERS, ITEM_FEATURES, USERS
from services.feature_store.events import Event, ImportedUser, Recorded
from services.feature_store.group_commit import GroupCommit
from services.feature_store.item_write import ItemWrite, WrittenItems
from services.feature_store.lmdb_items import LmdbItems
from services.feature_store.lmdb_users import LmdbUsers
from services.feature_store.log_folder import KEEP_ALL, Retention
from services.feature_store.logged_commit import LoggedCommit, StoreBroken
from services.feature_store.replay import writes
from services.feature_store.stored_item import StoredItem
from services.feature_store.stored_user import UserParts
from services.feature_store.user_record import Bounds
from services.feature_store.write_transaction import WriteTransaction
from shared.errors import Unavailable, WinnowError
from shared.event_log import EventLog, read_log
from shared.event_log.records import ExposureRecord, Record

log = structlog.get_logger()

Result = TypeVar("Result")

#: How often it is looked whether the log has grown old or long.
RETENTION_SECONDS = 5.0

#: Records of the log that are replayed in one transaction.
_REPLAYED_TOGETHER = 10_000

_ENTRIES = {"users": USERS, "items": ITEM_FEATURES, "event_ids": EVENT_KEYS, "counted_items": ITEM_COUNTERS}


class LmdbStore:
    """A `UserStore`, an `ItemStore` and an `ExposureLog` in an open LMDB environment and its log.

    A context manager: entering it replays what the log has and the databases lack; leaving it writes what still waits.

    Args:
        environment: From `open_store_folder`.
        log: From `open_log_folder`.
        bounds: How much to remember of each user.
        event_window_ms: How long an event sent again counts once.
        max_queued_events: How many events and items may wait to be written.
        retention: How long the log is kept.
        now_ms: The time in milliseconds since 1970; a parameter for tests.
    """

    def __init__(
        self,
        environment: lmdb.Environment,
        log: EventLog,
        bounds: Bounds,
        *,
        event_window_ms: int,
        max_queued_events: int,
        retention: Retention = KEEP_ALL,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._environment = environment
        self._log = log
        self._now_ms = now_ms
        self._retention = retention
        self._databases: dict[str, Any] = {name: environment.open_db(name.encode()) for name in DATABASES}
        self._users = LmdbUsers(environment, bounds, event_window_ms)
        self._items = LmdbItems(environment)
        self._commit = LoggedCommit(environment, log)
        self._writer: GroupCommit[WriteTransaction] = GroupCommit(self._transaction, max_queued_events)
        self._broken: Future[None] = Future()

    def __enter__(self) -> Self:
        self._replay()
        self._measure()
        self._writer.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._writer.__exit__(*exception)

    async def watch(self) -> None:
        """Waits until the store is broken.

        Raises:
            StoreBroken: it is; the process is to end, and a new one to open the store.
        """
        await asyncio.wrap_future(self._broken)

    async def retain(self) -> None:
        """Drops what the log need not keep any more, now and then, until it is cancelled."""
        while True:
            with suppress(WinnowError):  # a store that is full or closing says so to those who write to it
                await self._write(lambda _: self._retention.apply(self._log), weight=0)
            await asyncio.sleep(RETENTION_SECONDS)

    def read(self, user_ids: Sequence[str]) -> list[UserParts | None]:
        """Returns what is stored of each user, as of one moment; None for a user nobody knows."""
        return self._users.read(user_ids)

    def read_item_counters(self, item_ids: Sequence[str]) -> list[bytes]:
        """Returns the counters of each item's events, as `UserStore` says."""
        return self._users.read_item_counters(item_ids)

    async def record_events(self, events: Sequence[Event]) -> Recorded:
        """Records events, all or none, as `UserStore` says."""
        outcome = await self._write(lambda writing: self._users.record(writing, events, self._now_ms()), len(events))
        metrics.EVENTS.labels("recorded").inc(outcome.recorded)
        metrics.EVENTS.labels("duplicate").inc(outcome.duplicates)
        return outcome

    async def import_users(self, users: Sequence[ImportedUser]) -> int:
        """Merges users into what is stored, all or none, as `UserStore` says."""
        events = sum(len(user.item_ids) for user in users)
        new = await self._write(lambda writing: self._users.merge(writing, users, self._now_ms()), len(users) + events)
        metrics.EVENTS.labels("recorded").inc(new)
        metrics.EVENTS.labels("duplicate").inc(events - new)
        return new

    async def write_items(self, write: ItemWrite, publish: Callable[[WrittenItems], None]) -> WrittenItems:
        """Writes item features, all or none, as `ItemStore` says."""
        result = await self._write(
            lambda writing: self._items.merge(writing, write, self._now_ms()), len(write.item_ids), publish
        )
        written = int(result.written.sum())
        metrics.ITEM_VALUES.labels("written").inc(written)
        metrics.ITEM_VALUES.labels("superseded").inc(result.written.size - written)
        return result

    async def log_exposures(self, exposures: Sequence[ExposureRecord]) -> None:
        """Appends exposures to the log, all or none, as `ExposureLog` says."""
        await self._write(lambda writing: writing.records.extend(exposures), len(exposures))

    def items(self) -> Iterator[tuple[str, StoredItem]]:
        """Yields each item that was written, as `ItemStore` says. May be used in any one thread."""
        return iter(self._items)

    async def _write(
        self,
        work: Callable[[WriteTransaction], Result],
        weight: int,
        publish: Callable[[Result], None] | None = None,
    ) -> Result:
        return await asyncio.wrap_future(self._writer.submit(work, weight, publish))

    @contextmanager
    def _transaction(self) -> Iterator[WriteTransaction]:
        try:
            with self._commit.transaction() as writing:
                yield writing
        except StoreBroken as error:
            if not self._broken.done():
                self._broken.set_exception(error)
            raise Unavailable("the store must be opened anew after a failed write") from error
        metrics.count_records(writing.records)
        self._measure()

    def _replay(self) -> None:
        ahead = read_log(self._log.folder, after=self._commit.position)
        while some := list(islice(ahead, _REPLAYED_TOGETHER)):
            log.info("replaying what the log has and the databases lack", records=len(some), up_to=some[-1][0])
            with self._environment.begin(write=True) as transaction:
                self._apply(WriteTransaction(transaction), (record for _, record in some))
                self._commit.put_position(transaction, some[-1][0])

    def _apply(self, writing: WriteTransaction, records: Iterable[Record]) -> None:
        for recorded_at_ms, write in writes(records):
            if isinstance(write, ItemWrite):
                self._items.merge(writing, write, recorded_at_ms)
            elif isinstance(write, ImportedUser):
                self._users.merge(writing, [write], recorded_at_ms)
            else:
                self._users.record(writing, write, recorded_at_ms)

    def _measure(self) -> None:
        page_bytes = self._environment.stat()["psize"]
        metrics.STORE_BYTES.set((self._environment.info()["last_pgno"] + 1) * page_bytes)
        metrics.LOG_POSITION.set(self._log.end)
        with self._environment.begin() as transaction:
            for kind, name in _ENTRIES.items():
                metrics.STORE_ENTRIES.labels(kind).set(transaction.stat(self._databases[name])["entries"])
