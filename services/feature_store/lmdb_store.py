"""Users and written item features in LMDB: crash-safe without a server, read in microseconds, written by one thread in groups."""

import asyncio
import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import lmdb
import numpy as np

from services.feature_store import metrics
from services.feature_store.databases import EVENT_KEYS_BY_TIME, EVENT_TIMES_BY_KEY, ITEM_FEATURES, USERS
from services.feature_store.event_window import EventWindow
from services.feature_store.events import Event, ImportedUser, Recorded
from services.feature_store.group_commit import GroupCommit
from services.feature_store.item_write import ItemWrite, WrittenItems
from services.feature_store.lmdb_item_changes import LmdbItemChanges
from services.feature_store.stored_item import NOTHING, StoredItem, decode_item, encode_item, merge_features
from services.feature_store.stored_user import decode_user, encode_user
from services.feature_store.user_record import Bounds, PastEvent, UserRecord
from shared.errors import StorageFull, Unavailable

Result = TypeVar("Result")

#: Event keys that left the window and are removed for each event that is added: more than one, so that they run out.
PRUNED_PER_EVENT = 2


class StoreBroken(Exception):
    """LMDB could not even undo a failed write. It refuses all writes until it is opened anew."""


class LmdbStore:
    """A `UserStore` and an `ItemStore` in an open LMDB environment. A context manager: leaving it writes what still waits.

    Args:
        environment: From `open_store_folder`.
        bounds: How much to remember of each user.
        event_window_ms: How long an event sent again counts once.
        max_queued_events: How many events and items may wait to be written.
        now_ms: The time in milliseconds since 1970; a parameter for tests.

    Attributes:
        item_changes: Upserted and withdrawn items.
    """

    def __init__(
        self,
        environment: lmdb.Environment,
        bounds: Bounds,
        event_window_ms: int,
        max_queued_events: int,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._environment = environment
        self._bounds = bounds
        self._now_ms = now_ms
        self._users: Any = environment.open_db(USERS.encode())
        self._items: Any = environment.open_db(ITEM_FEATURES.encode())
        self._keys: Any = environment.open_db(EVENT_TIMES_BY_KEY.encode())
        self._window = EventWindow(self._keys, environment.open_db(EVENT_KEYS_BY_TIME.encode()), event_window_ms)
        self._writer: GroupCommit[lmdb.Transaction] = GroupCommit(self._transaction, max_queued_events)
        self._broken: Future[None] = Future()
        self.item_changes = LmdbItemChanges(environment, self._write)

    def __enter__(self) -> Self:
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

    def read(self, user_ids: Sequence[str]) -> list[bytes | None]:
        """Returns what is stored of each user, as of one moment; None for a user nobody knows."""
        with self._environment.begin(db=self._users) as transaction:
            return [transaction.get(user_id.encode()) if user_id else None for user_id in user_ids]

    async def record_events(self, events: Sequence[Event]) -> Recorded:
        """Records events, all or none, as `UserStore` says."""
        outcome = await self._write(lambda transaction: self._record(transaction, events), len(events))
        metrics.EVENTS.labels("recorded").inc(outcome.recorded)
        metrics.EVENTS.labels("duplicate").inc(outcome.duplicates)
        return outcome

    async def import_users(self, users: Sequence[ImportedUser]) -> int:
        """Merges users into what is stored, all or none, as `UserStore` says."""
        events = sum(len(user.item_ids) for user in users)
        new = await self._write(lambda transaction: self._merge(transaction, users), len(users) + events)
        metrics.EVENTS.labels("recorded").inc(new)
        metrics.EVENTS.labels("duplicate").inc(events - new)
        return new

    async def write_items(self, write: ItemWrite, publish: Callable[[WrittenItems], None]) -> WrittenItems:
        """Writes item features, all or none, as `ItemStore` says."""
        result = await self._write(
            lambda transaction: self._merge_items(transaction, write), len(write.item_ids), publish
        )
        written = int(result.written.sum())
        metrics.ITEM_VALUES.labels("written").inc(written)
        metrics.ITEM_VALUES.labels("superseded").inc(result.written.size - written)
        return result

    def items(self) -> Iterator[tuple[str, StoredItem]]:
        """Yields each item that was written, as `ItemStore` says. May be used in any one thread."""
        with self._environment.begin(db=self._items) as transaction, transaction.cursor() as cursor:
            for item_id, encoded in cursor:
                yield item_id.decode(), decode_item(encoded)

    async def _write(
        self,
        work: Callable[[lmdb.Transaction], Result],
        weight: int,
        publish: Callable[[Result], None] | None = None,
    ) -> Result:
        return await asyncio.wrap_future(self._writer.submit(work, weight, publish))

    def _record(self, transaction: lmdb.Transaction, events: Sequence[Event]) -> Recorded:
        now = self._now_ms()
        new_of: dict[str, list[PastEvent]] = {}
        for event in events:
            if self._window.admit(transaction, event.key, now):
                new_of.setdefault(event.user_id, []).append(PastEvent(event.at_ms, event.item_id, event.type))
        for user_id, new in new_of.items():
            record = self._load(transaction, user_id)
            record.record(new, self._bounds)
            self._save(transaction, user_id, record)
        self._window.prune(transaction, now, PRUNED_PER_EVENT * len(events))
        recorded = sum(len(new) for new in new_of.values())
        return Recorded(recorded, len(events) - recorded)

    def _merge(self, transaction: lmdb.Transaction, users: Sequence[ImportedUser]) -> int:
        new = 0
        for position, user in enumerate(users):
            record = self._load(transaction, user.user_id)
            record.set_attributes(user.attributes, f"users[{position}].attributes")
            past = map(PastEvent, user.times_ms, user.item_ids, user.types)
            new += record.merge(past, self._bounds)
            self._save(transaction, user.user_id, record)
        return new

    def _merge_items(self, transaction: lmdb.Transaction, write: ItemWrite) -> WrittenItems:
        written = np.empty(write.values.shape, dtype=np.bool_)
        for place, (item_id, at_ms) in enumerate(zip(write.item_ids, write.times_ms.tolist(), strict=True)):
            key = item_id.encode()
            encoded = transaction.get(key, db=self._items)
            stored = NOTHING if encoded is None else decode_item(encoded)
            merged, written[place] = merge_features(stored, write.feature_names, write.values[place], at_ms)
            if written[place].any():
                transaction.put(key, encode_item(merged), db=self._items)
        return WrittenItems(write, written)

    def _load(self, transaction: lmdb.Transaction, user_id: str) -> UserRecord:
        encoded = transaction.get(user_id.encode(), db=self._users)
        return UserRecord() if encoded is None else UserRecord.of(decode_user(encoded))

    def _save(self, transaction: lmdb.Transaction, user_id: str, record: UserRecord) -> None:
        transaction.put(user_id.encode(), encode_user(record.stored), db=self._users)

    @contextmanager
    def _transaction(self) -> Iterator[lmdb.Transaction]:
        with metrics.COMMIT_SECONDS.time():
            try:
                with self._environment.begin(write=True) as transaction:
                    yield transaction
            except lmdb.PanicError as error:
                if not self._broken.done():
                    self._broken.set_exception(StoreBroken(str(error)))
                raise Unavailable("the store must be opened anew after a failed write") from error
            except lmdb.Error as error:
                if is_full(error, Path(self._environment.path())):
                    raise StorageFull("the store has no room left; nothing was changed") from error
                raise
        self._measure()

    def _measure(self) -> None:
        page_bytes = self._environment.stat()["psize"]
        metrics.STORE_BYTES.set((self._environment.info()["last_pgno"] + 1) * page_bytes)
        with self._environment.begin() as transaction:
            metrics.STORE_ENTRIES.labels("users").set(transaction.stat(self._users)["entries"])
            metrics.STORE_ENTRIES.labels("items").set(transaction.stat(self._items)["entries"])
            metrics.STORE_ENTRIES.labels("item_changes").set(self.item_changes.count(transaction))
            metrics.STORE_ENTRIES.labels("event_ids").set(transaction.stat(self._keys)["entries"])


def is_full(error: lmdb.Error, folder: Path) -> bool:
    """Whether a write failed because the store has reached its bound or the disk has no room."""
    if isinstance(error, (lmdb.MapFullError, lmdb.DiskError)):
        return True
    # LMDB calls it an input/output error when the last bytes of a disk take a part of what it wrote.
    return os.strerror(errno.EIO) in str(error) and _free_bytes(folder) < 1 << 20


def _free_bytes(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
