"""What was written of items' features, in one hash; and a stream of the writes, by which replicas follow each other."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np

from services.feature_store import metrics
from services.feature_store.item_write import ItemWrite, WrittenItems
from services.feature_store.never_logged import NeverLogged
from services.feature_store.redis_store import keys
from services.feature_store.redis_store.connection import Client, connected_now
from services.feature_store.redis_store.scripts import WRITE_ITEMS, Script
from services.feature_store.stored_item import NOTHING, StoredItem, decode_item, encode_item, merge_features
from shared.errors import Unavailable
from shared.event_log.records import ItemFeaturesRecord, Record, encode_record

#: Writes that the stream keeps, about: who was away for longer reads all items again.
KEPT_WRITES = 10_000
#: Writes that are taken from the stream at a time.
_WRITES_AT_A_TIME = 100
#: Items that are read from the hash at a time.
_ITEMS_AT_A_TIME = 1_000

ATTEMPTS = 20

Publish = Callable[[WrittenItems], None]


class _Write(msgspec.Struct, array_like=True, frozen=True):
    """A write as it is in the stream: arrays in the machine's byte order."""

    item_ids: list[str]
    feature_names: list[str]
    values: bytes
    times_ms: bytes
    written: bytes


class RedisItems:
    """The written features of items.

    Args:
        client: Of the server or the cluster.
        log_records: How many records the stream of the log keeps.
        never_logged: What may not be in them.
    """

    def __init__(self, client: Client, log_records: int, never_logged: NeverLogged) -> None:
        self._client = client
        self._log_records = log_records
        self._never_logged = never_logged
        self._write_items = Script(client, WRITE_ITEMS)

    async def write(self, write: ItemWrite, now_ms: int) -> tuple[int, WrittenItems]:
        """Writes values, all or none; where a newer one of the same item and feature is stored, that one stays.

        Returns:
            The number of the write in the stream, and what was written.

        Raises:
            Unavailable: other writers changed the same items each time.
        """
        for _ in range(ATTEMPTS):
            before: list[bytes | None] = await _of(self._client.hmget(keys.ITEM_FEATURES, list(write.item_ids)))
            result, steps, records = _merge(write, before, now_ms)
            records = self._never_logged.withhold(records)
            where = [keys.ITEM_FEATURES, keys.ITEM_WRITES, keys.ITEM_WRITE_COUNT, keys.ITEM_LOG]
            (number,) = await self._write_items.run_many(
                [(where, [KEPT_WRITES, self._log_records, _encode(result), *steps, *map(encode_record, records)])]
            )
            if number:
                metrics.count_records(records)
                return number, result
        raise Unavailable("other writers changed the same items each time; repeating is safe")

    async def count(self) -> int:
        """Returns the number of the last write."""
        return int(await _of(self._client.get(keys.ITEM_WRITE_COUNT)) or 0)

    async def after(self, number: int) -> list[tuple[int, WrittenItems]]:
        """Returns some writes after the one of a number, oldest first, each with its number; none where there are none."""
        entries: Any = await _of(self._client.xrange(keys.ITEM_WRITES, min=f"({number}-1", count=_WRITES_AT_A_TIME))
        return [(int(entry.split(b"-")[0]), _decode(fields[b"write"])) for entry, fields in entries]


def stored_items(url: str) -> Iterator[tuple[str, StoredItem]]:
    """Yields the id and the written features of each item that was written. May be used in any one thread.

    Each item is as of the moment when it is read; what is written meanwhile is in the stream.
    """
    with connected_now(url) as client:
        for item_id, encoded in client.hscan_iter(keys.ITEM_FEATURES, count=_ITEMS_AT_A_TIME):
            yield item_id.decode(), decode_item(encoded)


def all_written(url: str) -> Iterator[WrittenItems]:
    """Yields all that was ever written and is stored, as writes of one item and one time each."""
    for item_id, item in stored_items(url):
        for time in np.unique(item.times_ms):
            chosen = np.flatnonzero(item.times_ms == time)
            names = [item.names[place] for place in chosen]
            write = ItemWrite([item_id], names, item.numbers[chosen][None], np.array([time], dtype=np.int64))
            yield WrittenItems(write, np.ones((1, len(names)), dtype=np.bool_))


def _merge(write: ItemWrite, before: list[bytes | None], now_ms: int) -> tuple[WrittenItems, list[Any], list[Record]]:
    written = np.empty(write.values.shape, dtype=np.bool_)
    steps: list[Any] = []
    records: list[Record] = []
    for place, (item_id, at_ms) in enumerate(zip(write.item_ids, write.times_ms.tolist(), strict=True)):
        encoded = before[place]
        stored = NOTHING if encoded is None else decode_item(encoded)
        merged, written[place] = merge_features(stored, write.feature_names, write.values[place], at_ms)
        changed = bool(written[place].any())
        steps += [item_id, encoded or b"", encode_item(merged) if changed else b""]
        if changed:
            numbers = zip(write.feature_names, write.values[place].tolist(), written[place], strict=True)
            values = {name: number for name, number, new in numbers if new}
            records.append(ItemFeaturesRecord(item_id, values, at_ms, now_ms))
    result = WrittenItems(write, written)
    return result, [len(write.item_ids), *steps], records


def _encode(result: WrittenItems) -> bytes:
    write = result.write
    return msgspec.msgpack.encode(
        _Write(
            list(write.item_ids),
            list(write.feature_names),
            np.ascontiguousarray(write.values).tobytes(),
            np.ascontiguousarray(write.times_ms).tobytes(),
            result.written.tobytes(),
        )
    )


def _decode(encoded: bytes) -> WrittenItems:
    write = msgspec.msgpack.decode(encoded, type=_Write)
    shape = (len(write.item_ids), len(write.feature_names))
    values = np.frombuffer(write.values, dtype=np.float32).reshape(shape)
    times = np.frombuffer(write.times_ms, dtype=np.int64)
    written = np.frombuffer(write.written, dtype=np.bool_).reshape(shape)
    return WrittenItems(ItemWrite(write.item_ids, write.feature_names, values, times), written)


async def _of(answer: Any) -> Any:
    """Awaits what the client's types take for an answer of either of its kinds."""
    return await answer
