"""The store in LMDB: crash-safe without a server, read in microseconds, written by one thread in groups."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

import lmdb
import structlog

from services.feature_store import metrics
from services.feature_store.databases import EVENT_KEYS, ITEM_COUNTERS, ITEM_FEATURES, ITEM_PLACES, META, USERS
from services.feature_store.events import Event, ImportedUser, Recorded
from services.feature_store.group_commit import GroupCommit
from services.feature_store.item_changes import Changed, Item
from services.feature_store.item_write import ItemWrite, WrittenItems
from services.feature_store.lmdb_definitions import put_definitions, read_definitions
from services.feature_store.lmdb_erasure import LmdbErasure, Receipt
from services.feature_store.lmdb_item_changes import LmdbItemChanges
from services.feature_store.log_folder import KEEP_ALL, Retention
from services.feature_store.logged_commit import StoreBroken
from services.feature_store.never_logged import NeverLogged
from services.feature_store.open_databases import Databases, OpenDatabases
from services.feature_store.portrait import Told, tell_logged, tell_stored, user_of
from services.feature_store.replay import writes
from services.feature_store.stored_item import StoredItem
from services.feature_store.stored_user import UserParts
from services.feature_store.user_record import Bounds
from services.feature_store.write_transaction import WriteTransaction
from shared.errors import Unavailable, WinnowError
from shared.event_log import EventLog, read_log
from shared.event_log.records import ExposureRecord, Record
from shared.event_log.search import find_records

logger = structlog.get_logger()

Result = TypeVar("Result")

#: How often it is looked whether the log has grown old or long.
RETENTION_SECONDS = 5.0

#: Records of the log that are replayed in one transaction.
_REPLAYED_TOGETHER = 10_000

_ENTRIES = {
    "users": USERS,
    "items": ITEM_FEATURES,
    "event_ids": EVENT_KEYS,
    "counted_items": ITEM_COUNTERS,
    "item_changes": ITEM_PLACES,
}


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

    Attributes:
        item_changes: Upserted and withdrawn items.
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
        self._log = log
        self._bounds = bounds
        self._now_ms = now_ms
        self._retention = retention
        self._never_logged = NeverLogged()
        self._databases = OpenDatabases(Databases(environment, log, bounds, event_window_ms))
        self._writer: GroupCommit[WriteTransaction] = GroupCommit(self._transaction, max_queued_events)
        self._erasure = LmdbErasure(
            Path(environment.path()),
            log,
            self._databases,
            reopened=lambda environment: Databases(environment, log, bounds, event_window_ms),
            writer=self._writer,
            broken=self._break,
        )
        self._broken: Future[None] = Future()
        self.item_changes = LmdbItemChanges(self._databases, self._write)

    def __enter__(self) -> Self:
        self._never_logged.learn(self.definitions())
        self._replay()
        self._erasure.resume()
        self._measure()
        self._writer.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._erasure.close()
        self._writer.__exit__(*exception)
        # Whoever opened the first environment closes that; here it is closed that took its place.
        self._databases.current.environment.close()

    def background(
        self,
        publish: Callable[[WrittenItems], None],  # noqa: ARG002 - of the Protocol
        publish_changes: Callable[[Changed], None],  # noqa: ARG002
    ) -> Sequence[Callable[[], Coroutine[None, None, None]]]:
        """Returns what has to run beside the service. Nobody else writes to the store, so there is nobody to follow."""
        return [self.watch, self.retain]

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

    async def read(self, user_ids: Sequence[str]) -> list[UserParts | None]:
        """Returns what is stored of each user, as `UserStore` says."""
        return self.read_now(user_ids)

    async def read_item_counters(self, item_ids: Sequence[str]) -> list[bytes]:
        """Returns the counters of each item's events, as `UserStore` says."""
        return self.read_item_counters_now(item_ids)

    def read_now(self, user_ids: Sequence[str]) -> list[UserParts | None]:
        """Returns what is stored of each user, to whoever has no event loop."""
        with self._databases.read() as databases:
            return databases.users.read(user_ids)

    def read_item_counters_now(self, item_ids: Sequence[str]) -> list[bytes]:
        """Returns the counters of each item's events, to whoever has no event loop."""
        with self._databases.read() as databases:
            return databases.users.read_item_counters(item_ids)

    async def record_events(self, events: Sequence[Event]) -> Recorded:
        """Records events, all or none, as `UserStore` says."""
        outcome = await self._write(
            lambda writing: self._databases.current.users.record(writing, events, self._now_ms()), len(events)
        )
        metrics.EVENTS.labels("recorded").inc(outcome.recorded)
        metrics.EVENTS.labels("duplicate").inc(outcome.duplicates)
        return outcome

    async def import_users(self, users: Sequence[ImportedUser]) -> int:
        """Merges users into what is stored, all or none, as `UserStore` says."""
        events = sum(len(user.item_ids) for user in users)
        new = await self._write(
            lambda writing: self._databases.current.users.merge(writing, users, self._now_ms()), len(users) + events
        )
        metrics.EVENTS.labels("recorded").inc(new)
        metrics.EVENTS.labels("duplicate").inc(events - new)
        return new

    async def write_items(self, write: ItemWrite, publish: Callable[[WrittenItems], None]) -> WrittenItems:
        """Writes item features, all or none, as `ItemStore` says."""
        result = await self._write(
            lambda writing: self._databases.current.items.merge(writing, write, self._now_ms()),
            len(write.item_ids),
            publish,
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
        with self._databases.read() as databases:
            yield from databases.items

    def definitions(self) -> Mapping[str, bytes]:
        """Returns the feature views that were remembered, as `DefinitionStore` says."""
        with self._databases.read() as databases, databases.environment.begin() as transaction:
            return read_definitions(transaction, databases.handles[META])

    def remember(self, definitions: Mapping[str, bytes]) -> None:
        """Remembers feature views, as `DefinitionStore` says. Waits for the thread that writes: not for the event loop."""

        def work(writing: WriteTransaction) -> None:
            put_definitions(writing.lmdb, self._databases.current.handles[META], definitions)

        self._writer.submit(work, weight=0).result()
        self._never_logged.learn(self.definitions())

    async def forget_user(self, user_id: str) -> Receipt:
        """Erases a user, as `UserStore` says; it is finished whether or not the caller still waits."""
        return await asyncio.shield(asyncio.wrap_future(self._erasure.submit(user_id)))

    def tell_user(self, user_id: str) -> Iterator[Told]:
        """Yields everything that is remembered of a user, as `UserStore` says. May be used in any one thread."""
        (parts,) = self.read_now([user_id])
        if parts is not None:
            yield from tell_stored(parts, self._bounds, self._now_ms())
        for record in find_records(self._log.folder, user_id.encode()):
            if user_of(record) == user_id:
                yield tell_logged(record)

    async def _write(
        self,
        work: Callable[[WriteTransaction], Result],
        weight: int,
        publish: Callable[[Result], None] | None = None,
    ) -> Result:
        return await asyncio.wrap_future(self._writer.submit(work, weight, publish))

    @contextmanager
    def _transaction(self) -> Iterator[WriteTransaction]:
        if self._broken.done():
            raise Unavailable("the store must be opened anew after a failed write")
        try:
            with self._databases.current.commit.transaction() as writing:
                yield writing
                writing.records = self._never_logged.withhold(writing.records)
        except StoreBroken as error:
            self._break(error)
            raise Unavailable("the store must be opened anew after a failed write") from error
        metrics.count_records(writing.records)
        self._measure()

    def _break(self, error: StoreBroken) -> None:
        if not self._broken.done():
            self._broken.set_exception(error)

    def _replay(self) -> None:
        databases = self._databases.current
        ahead = read_log(self._log.folder, after=databases.commit.position)
        while some := list(islice(ahead, _REPLAYED_TOGETHER)):
            logger.info("replaying what the log has and the databases lack", records=len(some), up_to=some[-1][0])
            with databases.environment.begin(write=True) as transaction:
                self._apply(databases, WriteTransaction(transaction), (record for _, record in some))
                databases.commit.put_position(transaction, some[-1][0])

    def _apply(self, databases: Databases, writing: WriteTransaction, records: Iterable[Record]) -> None:
        for recorded_at_ms, write in writes(records):
            if isinstance(write, ItemWrite):
                databases.items.merge(writing, write, recorded_at_ms)
            elif isinstance(write, Item):
                self.item_changes.replay(writing, write, recorded_at_ms, self._never_logged)
            elif isinstance(write, ImportedUser):
                databases.users.merge(writing, [write], recorded_at_ms)
            else:
                databases.users.record(writing, write, recorded_at_ms)

    def _measure(self) -> None:
        databases = self._databases.current
        page_bytes = databases.environment.stat()["psize"]
        metrics.STORE_BYTES.set((databases.environment.info()["last_pgno"] + 1) * page_bytes)
        metrics.LOG_POSITION.set(self._log.end)
        with databases.environment.begin() as transaction:
            for kind, name in _ENTRIES.items():
                metrics.STORE_ENTRIES.labels(kind).set(transaction.stat(databases.handles[name])["entries"])
