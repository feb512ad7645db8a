"""Connecting to Redis, and what its failures mean to a caller."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import redis
import redis.asyncio
import structlog
from redis.exceptions import (
    ClusterDownError,
    ClusterError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)

from services.feature_store.redis_store import keys
from services.feature_store.store_folder import StoreRefused
from shared.errors import StorageFull, Unavailable

logger = structlog.get_logger()

#: The layout of the keys and of what is in them. Another one is refused.
FORMAT_VERSION = 1

_OPTIONS: Any = {"socket_timeout": 5.0, "socket_connect_timeout": 5.0}

Client = redis.asyncio.Redis | redis.asyncio.RedisCluster


@asynccontextmanager
async def connected(url: str, *, demand_disk: bool, user_id_key: str = "") -> AsyncIterator[Client]:
    """Gives a client of a server, or of the cluster that it belongs to.

    Args:
        url: Of the server or of any node, such as `redis://host:6379/0` or `rediss://user:password@host`.
        demand_disk: Whether what is acknowledged must be on disk: every node has to sync each write.
        user_id_key: The fingerprint of the key by which user ids are hashed; empty where they are stored as they come.

    Raises:
        StoreRefused: it cannot be reached, is of another format, was written with another key, or does not write as is
            demanded.
    """
    try:
        client = _client_for(url)
    except RedisError as error:
        raise StoreRefused(_shown(url), f"cannot be reached: {error}") from error
    try:
        await _check(client, _shown(url), demand_disk, user_id_key)
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def failures_told() -> AsyncIterator[None]:
    """Turns Redis's failures into those of the store.

    Raises:
        StorageFull: there is no memory left for more.
        Unavailable: it cannot be reached, or a part of the cluster is down.
    """
    try:
        yield
    except OutOfMemoryError as error:
        raise StorageFull("Redis has no memory left; nothing more was changed") from error
    except (
        redis.ConnectionError,
        redis.TimeoutError,
        ClusterError,
        ClusterDownError,
        TryAgainError,
        ReadOnlyError,
    ) as error:
        raise Unavailable("Redis cannot be reached; repeating is safe") from error


@contextmanager
def connected_now(url: str) -> Iterator[Any]:
    """Gives a client to whoever has no event loop, in any one thread.

    Raises:
        RedisError: it cannot be reached.
    """
    client = (redis.RedisCluster if _is_clustered(url) else redis.Redis).from_url(url, **_OPTIONS)
    try:
        yield client
    finally:
        client.close()


def _client_for(url: str) -> Client:
    if _is_clustered(url):
        return redis.asyncio.RedisCluster.from_url(url, **_OPTIONS)
    return redis.asyncio.Redis.from_url(url, **_OPTIONS)


def _is_clustered(url: str) -> bool:
    probe: Any = redis.Redis.from_url(url, **_OPTIONS)
    with probe:
        return bool(probe.info("cluster").get("cluster_enabled"))


async def _check(client: Client, shown: str, demand_disk: bool, user_id_key: str) -> None:
    try:
        await client.setnx(keys.FORMAT, FORMAT_VERSION)
        found = await client.get(keys.FORMAT)
        await client.setnx(keys.USER_ID_KEY, user_id_key)
        known_key = await client.get(keys.USER_ID_KEY)
        configured = await _configuration(client)
    except RedisError as error:
        raise StoreRefused(shown, f"cannot be used: {error}") from error
    if found != str(FORMAT_VERSION).encode():
        raise StoreRefused(shown, f"its format is {found!r}; this version of winnow reads {FORMAT_VERSION}")
    if known_key != user_id_key.encode():
        raise StoreRefused(
            shown, "its user ids are stored with another key, or without one; set the key that it began with"
        )
    if demand_disk and not all(one == ("yes", "always") for one in configured):
        raise StoreRefused(
            shown,
            "it acknowledges what is not on disk yet; start Redis with --appendonly yes --appendfsync always, "
            "or set FEATURE_STORE_DURABILITY=process",
        )


async def _configuration(client: Client) -> list[tuple[str, str]]:
    """Returns appendonly and appendfsync of each node."""
    nodes = client.get_primaries() if isinstance(client, redis.asyncio.RedisCluster) else [client]
    told = []
    for node in nodes:
        answer: Any = (
            await node.execute_command("CONFIG", "GET", "append*")
            if node is not client
            else await client.config_get("append*")
        )
        pairs = answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))
        texts = {_text(name): _text(value) for name, value in pairs.items()}
        told.append((texts.get("appendonly", "no"), texts.get("appendfsync", "no")))
    return told


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _shown(url: str) -> str:
    """The URL without what may be secret in it."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
