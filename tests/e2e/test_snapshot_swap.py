"""A new snapshot is published under load: the suite moves to it, and back, without a pause."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.training.datasets import Dataset
from shared.snapshot.repository import SnapshotRepository
from tests.e2e.suite import Suite, damaged_copy, publish_trained_snapshot, renamed_copy, running_suite
from tests.e2e.traffic import traffic
from tests.unit.training.job_folder import LIGHT_CHANNELS, LIGHT_RANKER

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def own_snapshots(dataset: Dataset, snapshots: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trained snapshots, of other models each, the first of them active."""
    root = tmp_path_factory.mktemp("snapshots")
    trained = SnapshotRepository(snapshots)
    first = trained.ids()[0]
    renamed_copy(trained.folder(first), root / first)
    publish_trained_snapshot(dataset, root, channels=LIGHT_CHANNELS, ranker=LIGHT_RANKER)
    SnapshotRepository(root).activate(first)
    return root


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def moving_suite(
    dataset: Dataset, own_snapshots: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Suite]:
    """A suite whose snapshots this module may change."""
    async with running_suite(tmp_path_factory.mktemp("suite"), own_snapshots, dataset) as suite:
        yield suite


async def test_the_suite_moves_to_a_new_snapshot_and_back_under_load(moving_suite: Suite, own_snapshots: Path) -> None:
    """Activating a snapshot moves all services to it and back, with no failed and no degraded answer."""
    repository = SnapshotRepository(own_snapshots)
    first, second = repository.ids()
    async with traffic(moving_suite.client, moving_suite.user_ids) as stream:
        for snapshot_id in (second, first):
            repository.activate(snapshot_id)
            await stream.until(lambda wanted=snapshot_id: stream.newest_snapshot == wanted)  # type: ignore[misc]
            await stream.more_whole_answers(50)

    assert not stream.failed
    assert not stream.reasons


async def test_a_damaged_snapshot_is_refused_and_the_suite_goes_on(moving_suite: Suite, own_snapshots: Path) -> None:
    """A snapshot whose ranker was damaged is refused by ranking, so the whole suite stays where it is."""
    repository = SnapshotRepository(own_snapshots)
    held = (await moving_suite.client.recommend(moving_suite.user_ids[0])).snapshot_id
    damaged = damaged_copy(repository.folder(held), "ranker/model.onnx")

    async with traffic(moving_suite.client, moving_suite.user_ids) as stream:
        repository.activate(damaged)
        await moving_suite.logged("ranking", "snapshot refused")
        await stream.more_whole_answers(100)

    assert stream.newest_snapshot == held
    assert not stream.failed
    assert not stream.reasons
