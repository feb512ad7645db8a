"""The stores that the contract is held against: each is opened, and opened again, in the same place."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from services.feature_store.lmdb_store import LmdbStore
from services.feature_store.log_folder import open_log_folder
from services.feature_store.redis_store import keys
from services.feature_store.redis_store.connection import connected, connected_now
from services.feature_store.redis_store.store import RedisStore
from services.feature_store.store_folder import open_store_folder
from tests.contract.feature_store.store.opened import BOUNDS, NOW_MS, WINDOW_MS, AnyStore
from tests.redis_servers import emptied

Open = Callable[[], AbstractAsyncContextManager[AnyStore]]


@asynccontextmanager
async def _lmdb(path: Path) -> AsyncIterator[AnyStore]:
    with (
        open_store_folder(path, 1 << 28) as environment,
        open_log_folder(path, environment) as log,
        LmdbStore(
            environment, log, BOUNDS, event_window_ms=WINDOW_MS, max_queued_events=100_000, now_ms=lambda: NOW_MS
        ) as store,
    ):
        yield store


@asynccontextmanager
async def _redis(url: str) -> AsyncIterator[AnyStore]:
    async with connected(url, demand_disk=True) as client:
        store = RedisStore(
            url,
            client,
            BOUNDS,
            event_window_ms=WINDOW_MS,
            max_queued_events=100_000,
            log_records=10_000,
            now_ms=lambda: NOW_MS,
        )
        await store.begin()
        yield store
        await store.close()


@pytest.fixture(params=["lmdb", "redis", "redis_cluster"])
def redis_url(request: pytest.FixtureRequest) -> str:
    """Where the store of each kind is in Redis, emptied; empty for LMDB."""
    if request.param == "lmdb":
        return ""
    url: str = request.getfixturevalue(f"{request.param}_url")
    emptied(url)
    return url


@pytest.fixture
def open_store(redis_url: str, tmp_path: Path) -> Open:
    """Opens an empty store of each kind; what an earlier opening wrote is there."""
    return lambda: _redis(redis_url) if redis_url else _lmdb(tmp_path)


@pytest.fixture
def log_bytes(redis_url: str, tmp_path: Path) -> Callable[[], bytes]:
    """Gives every byte of the store's log."""

    def read() -> bytes:
        if not redis_url:
            return b"".join(segment.read_bytes() for segment in sorted((tmp_path / "log").iterdir()))
        with connected_now(redis_url) as client:
            entries = [entry for stream in keys.all_logs() for entry in client.xrange(stream)]
        return b"".join(value for _, fields in entries for value in fields.values())

    return read
