"""Changes of items in LMDB: the last change of each item by version, and the number and version of each item by id.

Neither a number nor a version is ever used again, and nothing beside the two databases is needed for that: of an item
its place is never deleted, so that the next number is how many there are; and of all changes the newest is never
deleted, so that the next version is one more than the last.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import lmdb
import msgspec

from services.feature_store.databases import ITEM_CHANGES, ITEM_PLACES
from services.feature_store.item_changes import Changed, Item, ItemChange, ItemPlace
from services.feature_store.open_databases import OpenDatabases
from services.feature_store.write_transaction import WriteTransaction
from shared.event_log.records import ItemRecord

_VERSION_BYTES = 8


class Write(Protocol):
    """Does work in a durable transaction, as `GroupCommit.submit` says; awaits its end."""

    def __call__(
        self, work: Callable[[WriteTransaction], Changed], weight: int, publish: Callable[[Changed], None]
    ) -> Awaitable[Changed]:
        """Returns what the work returned, once it is on disk."""
        ...


class StoredChange(msgspec.Struct, frozen=True, array_like=True):
    """A change as stored: a msgpack array of these fields, in this order. Its version is its key."""

    number: int
    changed_at_ms: int
    item_id: str
    withdrawn: bool
    title: str
    categories: tuple[str, ...]
    attributes: dict[str, str | float]
    text: str


_encoder = msgspec.msgpack.Encoder()
_change_decoder = msgspec.msgpack.Decoder(StoredChange)
_place_decoder = msgspec.msgpack.Decoder(ItemPlace)


class LmdbItemChanges:
    """An `ItemChangeStore` in an open LMDB environment.

    Args:
        databases: Those of the store.
        write: Writes to them.
    """

    def __init__(self, databases: OpenDatabases, write: Write) -> None:
        self._databases = databases
        self._write = write

    async def change(
        self,
        items: Sequence[Item],
        at_ms: int,
        check: Callable[[], None],
        publish: Callable[[Changed], None],
    ) -> Changed:
        """Changes items, all or none, as `ItemChangeStore` says."""

        def work(writing: WriteTransaction) -> Changed:
            check()
            return self._put(writing, items, at_ms)

        return await self._write(work, len(items), publish)

    def places(self) -> Iterator[tuple[str, ItemPlace]]:
        """Yields the place of each item, as `ItemChangeStore` says."""
        with self._reading(ITEM_PLACES) as cursor:
            for item_id, encoded in cursor:
                yield bytes(item_id).decode(), _place_decoder.decode(encoded)

    def changes(self, after: int, limit: int, limit_bytes: int) -> tuple[list[ItemChange], bool]:
        """Returns changes, as `ItemChangeStore` says."""
        found: list[ItemChange] = []
        size = 0
        with self._reading(ITEM_CHANGES) as cursor:
            more = cursor.set_range(_key(after + 1))
            while more and len(found) < limit and size < limit_bytes:
                encoded = cursor.value()
                size += len(encoded)
                found.append(_decode(cursor.key(), encoded))
                more = cursor.next()
        return found, more

    def replay(self, writing: WriteTransaction, item: Item, changed_at_ms: int) -> None:
        """Changes an item as it was changed before, unless that is stored."""
        old = self._place(writing.lmdb, item.item_id)
        if old is None or old.changed_at_ms < changed_at_ms:
            self._put(writing, [item], changed_at_ms)

    @contextmanager
    def _reading(self, name: str) -> Iterator[Any]:
        with (
            self._databases.read() as databases,
            databases.environment.begin(db=databases.handles[name]) as transaction,
            transaction.cursor() as cursor,
        ):
            yield cursor

    def _put(self, writing: WriteTransaction, items: Sequence[Item], at_ms: int) -> Changed:
        transaction, handles = writing.lmdb, self._databases.current.handles
        version = self._last_version(transaction)
        numbers = transaction.stat(handles[ITEM_PLACES])["entries"]
        before: list[ItemPlace | None] = []
        places: dict[str, ItemPlace] = {}
        for item in items:
            version += 1
            old = self._place(transaction, item.item_id)
            changed_at_ms = at_ms
            if old is None:
                number, numbers = numbers, numbers + 1
            else:
                number = old.number
                # The times of an item's changes rise, however the clock is set: by them a replay knows what is stored.
                changed_at_ms = max(at_ms, old.changed_at_ms + 1)
                transaction.delete(_key(old.version), db=handles[ITEM_CHANGES])
            upserted = not item.withdrawn or (old is not None and old.upserted)
            place = ItemPlace(number, version, changed_at_ms, item.withdrawn, upserted)
            transaction.put(item.item_id.encode(), _encoder.encode(place), db=handles[ITEM_PLACES])
            transaction.put(_key(version), _encode(number, changed_at_ms, item), db=handles[ITEM_CHANGES])
            writing.records.append(_record(item, changed_at_ms))
            before.append(old)
            places[item.item_id] = place
        return Changed(before, places)

    def _place(self, transaction: lmdb.Transaction, item_id: str) -> ItemPlace | None:
        encoded = transaction.get(item_id.encode(), db=self._databases.current.handles[ITEM_PLACES])
        return None if encoded is None else _place_decoder.decode(encoded)

    def _last_version(self, transaction: lmdb.Transaction) -> int:
        with transaction.cursor(db=self._databases.current.handles[ITEM_CHANGES]) as cursor:
            return int.from_bytes(cursor.key(), "big") if cursor.last() else 0


def decode_change(encoded: bytes) -> StoredChange:
    """Returns the stored change in `encoded`.

    Raises:
        msgspec.MsgspecError: the bytes are none.
    """
    return _change_decoder.decode(encoded)


def decode_place(encoded: bytes) -> ItemPlace:
    """Returns the stored place in `encoded`.

    Raises:
        msgspec.MsgspecError: the bytes are none.
    """
    return _place_decoder.decode(encoded)


def _key(version: int) -> bytes:
    return version.to_bytes(_VERSION_BYTES, "big")


def _encode(number: int, at_ms: int, item: Item) -> bytes:
    stored = StoredChange(
        number, at_ms, item.item_id, item.withdrawn, item.title, item.categories, dict(item.attributes), item.text
    )
    return _encoder.encode(stored)


def _record(item: Item, at_ms: int) -> ItemRecord:
    return ItemRecord(
        item.item_id, item.withdrawn, at_ms, item.title, item.categories, dict(item.attributes), item.text
    )


def _decode(key: bytes | memoryview, encoded: bytes | memoryview) -> ItemChange:
    stored = _change_decoder.decode(encoded)
    item = Item(stored.item_id, stored.withdrawn, stored.title, stored.categories, stored.attributes, stored.text)
    return ItemChange(int.from_bytes(key, "big"), stored.number, stored.changed_at_ms, item)
