"""A feature store to call."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.feature_store.serving import Serving, serving
from tests.redis_servers import emptied, running_redis, running_redis_cluster
from tests.snapshot_factory import build_snapshot


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one snapshot of 200 items, the current one. Not to be changed."""
    root: Path = tmp_path_factory.mktemp("snapshots")
    build_snapshot(root)
    return root


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture(scope="session")
def redis_cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis Cluster of three nodes."""
    with running_redis_cluster(tmp_path_factory.mktemp("redis-cluster")) as servers:
        yield servers[0].url


@pytest.fixture(params=["lmdb", "redis", "redis_cluster"])
def store_settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of an empty store of each kind."""
    if request.param == "lmdb":
        return {}
    url: str = request.getfixturevalue(f"{request.param}_url")
    emptied(url)
    return {"url": url}


@pytest.fixture
async def store(tmp_path: Path, snapshots: Path, store_settings: dict[str, str]) -> AsyncIterator[Serving]:
    """An empty feature store of each kind that has loaded the snapshot."""
    async with serving(tmp_path / "store", snapshots, **store_settings) as running:
        yield running
