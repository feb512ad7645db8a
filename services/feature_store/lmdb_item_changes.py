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
from services.feature_store.item_changes import (
    Changed,
    Item,
    ItemChange,
    ItemPlace,
    change_places,
    decode_change,
    decode_place,
    encode_change,
    encode_place,
    item_record,
)
from services.feature_store.never_logged import NeverLogged
from services.feature_store.open_databases import OpenDatabases
from services.feature_store.write_transaction import WriteTransaction

_VERSION_BYTES = 8
#: What a caller may say to know, though no store comes to it.
_LAST_VERSION = (1 << 8 * _VERSION_BYTES) - 1


class Write(Protocol):
    """Does work in a durable transaction, as `GroupCommit.submit` says; awaits its end."""

    def __call__(
        self, work: Callable[[WriteTransaction], Changed], weight: int, publish: Callable[[Changed], None]
    ) -> Awaitable[Changed]:
        """Returns what the work returned, once it is on disk."""
        ...


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
                yield item_id.decode(), decode_place(encoded)

    def changes(self, after: int, limit: int, limit_bytes: int) -> tuple[list[ItemChange], bool]:
        """Returns changes, as `ItemChangeStore` says."""
        found: list[ItemChange] = []
        size = 0
        with self._reading(ITEM_CHANGES) as cursor:
            more = after < _LAST_VERSION and cursor.set_range(_key(after + 1))
            while more and len(found) < limit and size < limit_bytes:
                encoded = cursor.value()
                size += len(encoded)
                found.append(decode_change(int.from_bytes(cursor.key(), "big"), encoded))
                more = cursor.next()
        return found, more

    def replay(self, writing: WriteTransaction, item: Item, changed_at_ms: int, never_logged: NeverLogged) -> None:
        """Changes an item as it was changed before, unless that is stored.

        What the log may not have of it stays as it is stored: nobody was told that it had changed.
        """
        old = self._place(writing.lmdb, item.item_id)
        if old is not None and old.changed_at_ms >= changed_at_ms:
            return
        if old is not None and not item.withdrawn:
            stored = self._change(writing.lmdb, old.version).item.attributes
            item = msgspec.structs.replace(item, attributes={**item.attributes, **never_logged.of_item(stored)})
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
        before = [self._place(transaction, item.item_id) for item in items]
        count = transaction.stat(handles[ITEM_PLACES])["entries"]
        changed = change_places(items, before, self._last_version(transaction), count, at_ms)
        for item, old in zip(items, before, strict=True):
            place = changed.places[item.item_id]
            if old is not None:
                transaction.delete(_key(old.version), db=handles[ITEM_CHANGES])
            transaction.put(item.item_id.encode(), encode_place(place), db=handles[ITEM_PLACES])
            transaction.put(_key(place.version), encode_change(item, place), db=handles[ITEM_CHANGES])
            writing.records.append(item_record(item, place))
        return changed

    def _place(self, transaction: lmdb.Transaction, item_id: str) -> ItemPlace | None:
        encoded: Any = transaction.get(item_id.encode(), db=self._databases.current.handles[ITEM_PLACES])
        return None if encoded is None else decode_place(encoded)

    def _change(self, transaction: lmdb.Transaction, version: int) -> ItemChange:
        encoded: Any = transaction.get(_key(version), db=self._databases.current.handles[ITEM_CHANGES])
        return decode_change(version, encoded)

    def _last_version(self, transaction: lmdb.Transaction) -> int:
        with transaction.cursor(db=self._databases.current.handles[ITEM_CHANGES]) as cursor:
            return int.from_bytes(cursor.key(), "big") if cursor.last() else 0


def _key(version: int) -> bytes:
    return version.to_bytes(_VERSION_BYTES, "big")
