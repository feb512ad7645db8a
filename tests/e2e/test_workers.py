"""The suite with two processes of each service that can be several."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.training.datasets import Dataset
from shared.snapshot.repository import SnapshotRepository
from tests.e2e.suite import Suite, renamed_copy, running_suite
from tests.e2e.traffic import traffic

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def own_snapshots(snapshots: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two snapshots, the first of them active; they differ by name alone."""
    trained = SnapshotRepository(snapshots)
    root = tmp_path_factory.mktemp("snapshots")
    for name in ("first", "second"):
        renamed_copy(trained.folder(trained.ids()[0]), root / name)
    SnapshotRepository(root).activate("first")
    return root


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wide_suite(
    dataset: Dataset, own_snapshots: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Suite]:
    """A suite with workers, whose snapshots this module may change."""
    root = tmp_path_factory.mktemp("suite")
    async with running_suite(root, own_snapshots, dataset, workers=2) as suite:
        yield suite


def children_of(pid: int) -> set[int]:
    """Returns the processes that a process started."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@pytest.mark.parametrize("service", ["gateway", "recall", "ranking"])
async def test_a_service_is_as_many_processes_as_asked_for(wide_suite: Suite, service: str) -> None:
    """And a parent."""
    assert len(children_of(wide_suite.pid(service))) == 2


async def test_the_feature_store_stays_one_process(wide_suite: Suite) -> None:
    """It owns its folder."""
    assert children_of(wide_suite.pid("feature_store")) == set()


async def test_a_new_snapshot_reaches_every_worker_under_load(wide_suite: Suite, own_snapshots: Path) -> None:
    """To a new one and back, with no failed and no degraded answer: none is asked for what it does not hold yet."""
    repository = SnapshotRepository(own_snapshots)
    first, second = repository.ids()
    async with traffic(wide_suite.client, wide_suite.user_ids) as stream:
        for snapshot_id in (second, first):
            repository.activate(snapshot_id)
            await stream.until(lambda wanted=snapshot_id: stream.newest_snapshot == wanted)  # type: ignore[misc]
            await stream.more_whole_answers(50)

    assert not stream.failed
    assert not stream.reasons


@pytest.mark.parametrize("service", ["gateway", "recall", "ranking"])
async def test_a_killed_worker_fails_no_answer_and_leaves_the_rest_alone(wide_suite: Suite, service: str) -> None:
    """Callers go on over the other one; the parent lives, and starts it again."""
    parent = wide_suite.pid(service)
    before = children_of(parent)
    victim = min(before)
    async with traffic(wide_suite.client, wide_suite.user_ids) as stream:
        os.kill(victim, signal.SIGKILL)
        await stream.until(lambda: len(children_of(parent) - {victim}) == 2)
        await stream.more_whole_answers(50)

    assert not stream.failed
    assert wide_suite.pid(service) == parent
    assert children_of(parent) & before == before - {victim}


async def test_a_service_with_workers_ends_with_status_0(wide_suite: Suite) -> None:
    """SIGTERM to the parent drains both, and no caller sees an error."""
    async with traffic(wide_suite.client, wide_suite.user_ids) as stream:
        os.kill(wide_suite.pid("recall"), signal.SIGTERM)
        await wide_suite.heard("recall exited with status 0")
        await stream.more_whole_answers(50)

    assert not stream.failed
