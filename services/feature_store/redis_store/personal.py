"""What Redis has of one user, told and forgotten."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import redis.asyncio

from services.feature_store.portrait import PLACES, Told, count_stored, place_of, tell_logged, tell_stored, user_of
from services.feature_store.redis_store import keys
from services.feature_store.redis_store.collector import FORGET
from services.feature_store.redis_store.connection import Client, connected_now
from services.feature_store.redis_store.users import RedisUsers
from services.feature_store.user_record import Bounds
from shared.event_log.records import Record, decode_record

_ENTRIES_AT_A_TIME = 1_000
_POLL_SECONDS = 0.05


class RedisPersonal:
    """Tells what is remembered of a user, and forgets it.

    Args:
        url: Of the server, or of a node of the cluster.
        client: Of the same.
        users: In it.
        bounds: How much is remembered of each.
        event_window_ms: How long event ids are remembered.
    """

    def __init__(self, url: str, client: Client, users: RedisUsers, bounds: Bounds, event_window_ms: int) -> None:
        self._url = url
        self._client: Any = client
        self._users = users
        self._bounds = bounds
        self._window_ms = event_window_ms

    async def forget(self, user_id: str, now_ms: int) -> Mapping[str, int]:
        """Erases a user from Redis and, where it may be told to, from its append-only files; returns the receipt.

        What a collector has taken is erased by the collector when it comes by next.
        """
        counts = Counter[str]()
        (parts,) = await self._users.read([user_id])
        if parts is not None:
            counts += count_stored(parts, self._bounds)
        current = now_ms // self._window_ms
        generations = [keys.event_ids(user_id, generation) for generation in range(current - 2, current + 2)]
        for name in generations:
            counts["event_ids"] += await self._client.hlen(name)
        await self._client.delete(keys.user(user_id), *generations)
        stream = keys.log(keys.bucket_of(user_id))
        async for entry, record in self._entries(stream):
            if user_of(record) == user_id:
                counts[place_of(record)] += 1
                await self._client.xdel(stream, entry)
        await self._client.xadd(stream, {FORGET: user_id.encode()})
        await self._rewrite_files()
        return {place: counts[place] for place in PLACES}

    def tell(self, user_id: str, now_ms: int) -> Iterator[Told]:
        """Yields what is stored of a user, then what the log has that was not collected yet."""
        with connected_now(self._url) as client:
            parts = self._users.parts_of(client.hmget(keys.user(user_id), *self._users.PARTS))
            if parts is not None:
                yield from tell_stored(parts, self._bounds, now_ms)
            for _, fields in client.xrange(keys.log(keys.bucket_of(user_id))):
                if FORGET not in fields and user_of(record := decode_record(fields[b"record"])) == user_id:
                    yield tell_logged(record)

    async def _entries(self, stream: str) -> Any:
        after = "-"
        while entries := await self._client.xrange(stream, min=after, count=_ENTRIES_AT_A_TIME):
            for entry, fields in entries:
                if FORGET not in fields:
                    record: Record = decode_record(fields[b"record"])
                    yield entry, record
            after = f"({entries[-1][0].decode()}"

    async def _rewrite_files(self) -> None:
        """Makes the masters write their append-only files anew, for they have what was deleted until then."""
        clustered = isinstance(self._client, redis.asyncio.RedisCluster)
        nodes = self._client.get_primaries() if clustered else [self._client]
        for node in nodes:
            try:
                await node.execute_command("BGREWRITEAOF")
            except redis.ResponseError as error:
                if "already in progress" not in str(error) and "scheduled" not in str(error):
                    raise
            while await self._rewrites(node):  # noqa: ASYNC110 - Redis does it, and does not tell when it is done
                await asyncio.sleep(_POLL_SECONDS)

    async def _rewrites(self, node: Any) -> bool:
        told = await node.execute_command("INFO", "persistence")
        if not isinstance(told, dict):
            text = told.decode() if isinstance(told, bytes) else str(told)
            told = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        return bool(int(told["aof_rewrite_in_progress"]) or int(told.get("aof_rewrite_scheduled", 0)))
