"""Changes of items in Redis: a version for each item that was ever changed, what it is since, and its place."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from services.feature_store import metrics
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
from services.feature_store.redis_store import keys
from services.feature_store.redis_store.connection import Client, connected_now, failures_told
from services.feature_store.redis_store.scripts import CHANGE_ITEMS, Script
from shared.errors import Unavailable
from shared.event_log.records import Record, encode_record

ATTEMPTS = 20

_CHANGES_AT_A_TIME = 1_000

PublishChanges = Callable[[Changed], None]


class RedisItemChanges:
    """An `ItemChangeStore`.

    Args:
        url: Of the server, or of a node of the cluster.
        client: Of the same.
        log_records: How many records the stream of the log keeps.
        never_logged: What may not be in them.
    """

    def __init__(self, url: str, client: Client, log_records: int, never_logged: NeverLogged) -> None:
        self._url = url
        self._client: Any = client
        self._log_records = log_records
        self._never_logged = never_logged
        self._change_items = Script(client, CHANGE_ITEMS)
        self._published = 0

    async def change(
        self, items: Sequence[Item], at_ms: int, check: Callable[[], None], publish: PublishChanges
    ) -> Changed:
        """Changes items, all or none, as `ItemChangeStore` says."""
        async with failures_told():
            for _ in range(ATTEMPTS):
                await self.catch_up(publish)
                check()
                last = await self._last_version()
                stored = await self._client.hmget(keys.ITEM_PLACES, [item.item_id for item in items])
                before = [None if encoded is None else decode_place(encoded) for encoded in stored]
                changed = change_places(items, before, last, await self._client.hlen(keys.ITEM_PLACES), at_ms)
                records = self._never_logged.withhold(
                    [item_record(item, changed.places[item.item_id]) for item in items]
                )
                (taken,) = await self._change_items.run_many([self._step(items, changed, records, last)])
                if taken:
                    metrics.count_records(records)
                    await self.catch_up(publish)
                    return changed
        raise Unavailable("other writers changed items each time; repeating is safe")

    def places(self) -> Iterator[tuple[str, ItemPlace]]:
        """Yields the place of each item, as `ItemChangeStore` says."""
        with connected_now(self._url) as client:
            for item_id, encoded in client.hscan_iter(keys.ITEM_PLACES, count=_CHANGES_AT_A_TIME):
                yield item_id.decode(), decode_place(encoded)

    def changes(self, after: int, limit: int, limit_bytes: int) -> tuple[list[ItemChange], bool]:
        """Returns changes, as `ItemChangeStore` says."""
        with connected_now(self._url) as client:
            found = client.zrange(
                keys.ITEM_VERSIONS, f"({after}", "+inf", byscore=True, offset=0, num=limit + 1, withscores=True
            )
            listed = found[:limit]
            stored = client.hmget(keys.ITEM_CHANGES, [item_id for item_id, _ in listed]) if listed else []
        changes: list[ItemChange] = []
        size = 0
        for (_, version), encoded in zip(listed, stored, strict=True):
            if changes and size >= limit_bytes:
                return changes, True
            size += len(encoded)
            changes.append(decode_change(int(version), encoded))
        return changes, len(found) > limit

    async def catch_up(self, publish: PublishChanges) -> None:
        """Publishes what any replica changed since the last time, or since the store was opened."""
        while True:
            found = await self._client.zrange(
                keys.ITEM_VERSIONS,
                f"({self._published}",
                "+inf",
                byscore=True,
                offset=0,
                num=_CHANGES_AT_A_TIME,
                withscores=True,
            )
            if not found:
                return
            stored = await self._client.hmget(keys.ITEM_PLACES, [item_id for item_id, _ in found])
            places = {item_id.decode(): decode_place(place) for (item_id, _), place in zip(found, stored, strict=True)}
            publish(Changed((), places))
            self._published = int(found[-1][1])

    async def _last_version(self) -> int:
        newest = await self._client.zrange(keys.ITEM_VERSIONS, -1, -1, withscores=True)
        return int(newest[0][1]) if newest else 0

    def _step(
        self, items: Sequence[Item], changed: Changed, records: Sequence[Record], last: int
    ) -> tuple[list[str], list[Any]]:
        arguments: list[Any] = [last, self._log_records, len(items)]
        for item in items:
            place = changed.places[item.item_id]
            arguments += [item.item_id, place.version, encode_change(item, place), encode_place(place)]
        arguments += map(encode_record, records)
        return [keys.ITEM_VERSIONS, keys.ITEM_CHANGES, keys.ITEM_PLACES, keys.ITEM_LOG], arguments
