"""The suite as a user runs it: a snapshot that was really trained, four processes, real sockets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.training.datasets import Dataset
from services.training.generator import GeneratorConfig, generate
from tests.e2e.suite import Suite, publish_trained_snapshot, running_suite

#: Big enough to learn from, small enough to train in a few seconds.
SMALL = GeneratorConfig(seed=3, users=300, items=300, events=9_000)


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """The data set that the suite of the tests is trained on."""
    return generate(SMALL).dataset


@pytest.fixture(scope="session")
def snapshots(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one trained snapshot, active."""
    root = tmp_path_factory.mktemp("snapshots")
    publish_trained_snapshot(dataset, root)
    return root


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def suite(dataset: Dataset, snapshots: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    """The four services, running and ready, with the users of the data set imported."""
    async with running_suite(tmp_path_factory.mktemp("suite"), snapshots, dataset) as suite:
        yield suite
