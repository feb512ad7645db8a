"""A feature store to call."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.feature_store.serving import Serving, serving
from tests.snapshot_factory import build_snapshot


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one snapshot of 200 items, the current one. Not to be changed."""
    root: Path = tmp_path_factory.mktemp("snapshots")
    build_snapshot(root)
    return root


@pytest.fixture
async def store(tmp_path: Path, snapshots: Path) -> AsyncIterator[Serving]:
    """An empty feature store that has loaded the snapshot."""
    async with serving(tmp_path / "store", snapshots) as running:
        yield running
