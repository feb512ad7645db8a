"""A service follows the pointer, and whatever happens to the new snapshot, goes on with the one it has."""

import asyncio
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from shared import metrics
from shared.errors import SnapshotNotHeld, Unavailable
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.follower import RETRY_SECONDS, SnapshotFollower
from shared.snapshot.manifest import Manifest
from shared.snapshot.repository import CURRENT_FILE, SnapshotRepository
from tests.unit.shared.snapshot.published import publish


class Loader:
    """Loads a snapshot as the text "loaded <id>", unless told what is wrong with it.

    Attributes:
        loads: The ids that were asked for, in order.
        problems: What to raise, by id.
    """

    def __init__(self) -> None:
        self.loads: list[str] = []
        self.problems: dict[str, Exception] = {}

    def __call__(self, folder: Path, manifest: Manifest) -> str:
        """Loads."""
        assert folder.name == manifest.id
        self.loads.append(manifest.id)
        if (problem := self.problems.get(manifest.id)) is not None:
            raise problem
        return f"loaded {manifest.id}"


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Tells the time."""
        return self.seconds


@pytest.fixture
def repository(tmp_path: Path) -> SnapshotRepository:
    """A repository with the snapshots s1, s2 and s3, none of them activated."""
    repository = SnapshotRepository(tmp_path)
    for snapshot_id in ("s1", "s2", "s3"):
        publish(repository, snapshot_id)
    return repository


@pytest.fixture
def load() -> Loader:
    """A loader to which every snapshot is fine."""
    return Loader()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands."""
    return Clock()


@pytest.fixture
def follower(repository: SnapshotRepository, load: Loader, clock: Clock) -> SnapshotFollower[str]:
    """A follower of that repository."""
    return SnapshotFollower(repository, load, poll_seconds=3600, clock=clock)


@pytest.fixture(autouse=True)
def _no_metrics_of_other_tests() -> Iterator[None]:
    """Forgets which snapshots were loaded: the metric lives as long as the process."""
    yield
    metrics.SNAPSHOT_LOADED.clear()


def has_metric(snapshot_id: str) -> bool:
    """Whether the process exports when it loaded a snapshot."""
    sample = REGISTRY.get_sample_value("winnow_snapshot_loaded_timestamp_seconds", {"snapshot": snapshot_id})
    return sample is not None


def failures() -> float:
    """How many snapshots the process counted as refused."""
    return REGISTRY.get_sample_value("winnow_snapshot_failures_total") or 0.0


async def move(follower: SnapshotFollower[str], repository: SnapshotRepository, *snapshot_ids: str) -> None:
    """Activates one snapshot after the other and lets the follower see each."""
    for snapshot_id in snapshot_ids:
        repository.activate(snapshot_id)
        await follower.poll()


async def test_the_current_snapshot_is_loaded(follower: SnapshotFollower[str], repository: SnapshotRepository) -> None:
    """Then the service is ready, and answers for that snapshot."""
    assert not follower.ready.is_set()
    await move(follower, repository, "s1")
    assert follower.ready.is_set()
    assert (follower.get("s1"), follower.newest, follower.ids) == ("loaded s1", "loaded s1", ["s1"])


async def test_while_nothing_is_published_the_service_waits(
    follower: SnapshotFollower[str], repository: SnapshotRepository
) -> None:
    """It is not ready, says once what it waits for, and loads what comes."""
    with capture_logs() as lines:
        await follower.poll()
        await follower.poll()
    assert [line["event"] for line in lines] == ["no snapshot is published yet; waiting"]
    assert lines[0]["folder"] == str(repository.root)
    assert not follower.ready.is_set()
    with pytest.raises(Unavailable, match="no snapshot is loaded yet"):
        _ = follower.newest
    with pytest.raises(Unavailable, match="no snapshot is loaded yet"):
        follower.get("s1")
    await move(follower, repository, "s1")
    assert follower.ready.is_set()


async def test_the_previous_snapshot_is_still_answered(
    follower: SnapshotFollower[str], repository: SnapshotRepository
) -> None:
    """Requests go on naming it until the whole suite has moved; the one before it is gone."""
    await move(follower, repository, "s1", "s2", "s3")
    assert follower.ids == ["s3", "s2"]
    assert (follower.newest, follower.get("s2")) == ("loaded s3", "loaded s2")
    with pytest.raises(SnapshotNotHeld, match="held: s3, s2"):
        follower.get("s1")


async def test_a_roll_back_to_the_previous_snapshot_loads_nothing(
    follower: SnapshotFollower[str], repository: SnapshotRepository, load: Loader
) -> None:
    """It is still held, so that going back takes no longer than to look at the pointer."""
    await move(follower, repository, "s1", "s2", "s1")
    assert follower.ids == ["s1", "s2"]
    assert load.loads == ["s1", "s2"]


async def test_an_unchanged_pointer_loads_nothing(
    follower: SnapshotFollower[str], repository: SnapshotRepository, load: Loader
) -> None:
    """The pointer is looked at every second or so."""
    await move(follower, repository, "s1")
    await follower.poll()
    assert load.loads == ["s1"]


@pytest.mark.parametrize("problem", [SnapshotRefused("s2", "golden scores differ"), ValueError("no graph")])
async def test_a_refused_snapshot_changes_nothing(
    follower: SnapshotFollower[str], repository: SnapshotRepository, load: Loader, problem: Exception
) -> None:
    """Whether it was refused or broke a library: the held one stays, and the log and a metric tell."""
    await move(follower, repository, "s1")
    load.problems["s2"] = problem
    before = failures()
    with capture_logs() as lines:
        await move(follower, repository, "s2")
    assert (follower.ids, follower.newest) == (["s1"], "loaded s1")
    assert not has_metric("s2")
    assert failures() == before + 1
    (line,) = lines
    assert (line["log_level"], line["snapshot"], line["held"]) == ("error", "s2", ["s1"])
    assert str(problem.args[0]) in line["problem"]


async def test_a_refused_snapshot_is_tried_again_later(
    follower: SnapshotFollower[str], repository: SnapshotRepository, load: Loader, clock: Clock
) -> None:
    """Its files may have been on their way; until then the log is not filled with the same refusal."""
    load.problems["s1"] = SnapshotRefused("s1", "popularity.npy is missing")
    await move(follower, repository, "s1")
    clock.seconds += RETRY_SECONDS - 0.1
    await follower.poll()
    assert load.loads == ["s1"]
    load.problems.clear()
    clock.seconds += 0.2
    await follower.poll()
    assert follower.ids == ["s1"]


async def test_after_a_refused_snapshot_another_is_loaded_at_once(
    follower: SnapshotFollower[str], repository: SnapshotRepository, load: Loader
) -> None:
    """The wait is for the refused one alone."""
    load.problems["s1"] = SnapshotRefused("s1", "popularity.npy is missing")
    await move(follower, repository, "s1", "s2")
    assert follower.ids == ["s2"]


@pytest.mark.parametrize("pointer", ["s9", "../s1", "not an id"])
async def test_a_pointer_to_nothing_is_a_refused_snapshot(
    follower: SnapshotFollower[str], repository: SnapshotRepository, load: Loader, pointer: str
) -> None:
    """What stands in the file may be anything."""
    await move(follower, repository, "s1")
    (repository.root / CURRENT_FILE).write_text(pointer)
    before = failures()
    await follower.poll()
    assert follower.ids == ["s1"]
    assert load.loads == ["s1"]
    assert failures() == before + 1


async def test_a_pointer_that_cannot_be_read_changes_nothing(
    follower: SnapshotFollower[str], repository: SnapshotRepository
) -> None:
    """A file system that fails for a while does not end the service."""
    await move(follower, repository, "s1")
    (repository.root / CURRENT_FILE).unlink()
    (repository.root / CURRENT_FILE).mkdir()
    with capture_logs() as lines:
        await follower.poll()
    assert lines[0]["event"] == "cannot read the pointer to the current snapshot"
    assert follower.ids == ["s1"]


async def test_a_snapshot_under_anothers_name_is_refused(
    follower: SnapshotFollower[str], repository: SnapshotRepository
) -> None:
    """Answers would name a snapshot that they do not come from."""
    repository.folder("s3").rename(repository.root / "s4")
    (repository.root / CURRENT_FILE).write_text("s4")
    with capture_logs() as lines:
        await follower.poll()
    assert lines[0]["problem"] == "snapshot s4: its manifest is that of s3"
    assert follower.ids == []


async def test_each_held_snapshot_has_a_metric(follower: SnapshotFollower[str], repository: SnapshotRepository) -> None:
    """And one that is dropped has none any more, so that the series do not grow with every training."""
    await move(follower, repository, "s1", "s2", "s3")
    assert [has_metric(snapshot_id) for snapshot_id in ("s1", "s2", "s3")] == [False, True, True]


async def test_loading_does_not_hold_up_the_event_loop(repository: SnapshotRepository) -> None:
    """Requests are answered from the held snapshot all the while, and the swap comes after."""
    may_end = threading.Event()

    def load(_folder: Path, manifest: Manifest) -> str:
        assert manifest.id == "s1" or may_end.wait(30)
        return manifest.id

    follower = SnapshotFollower(repository, load, poll_seconds=3600)
    await move(follower, repository, "s1")
    repository.activate("s2")
    loading = asyncio.create_task(follower.poll())
    try:
        for _turn in range(10):
            await asyncio.sleep(0)
            assert follower.newest == "s1"
    finally:
        may_end.set()
        await loading
    assert follower.ids == ["s2", "s1"]


async def test_following_goes_on_until_it_is_cancelled(repository: SnapshotRepository) -> None:
    """It sees what is activated while it runs."""
    loads: queue.Queue[str] = queue.Queue()
    follower = SnapshotFollower(repository, lambda _, manifest: loads.put(manifest.id), poll_seconds=0.001)
    following = asyncio.create_task(follower.follow())
    for snapshot_id in ("s1", "s2"):
        repository.activate(snapshot_id)
        assert await asyncio.to_thread(loads.get, timeout=10) == snapshot_id
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following


async def test_what_all_workers_hold_is_told_newest_first(
    follower: SnapshotFollower[str], repository: SnapshotRepository
) -> None:
    """A process alone tells all that it holds; one of several tells no more than every worker holds."""
    await move(follower, repository, "s1", "s2")
    assert follower.agreed_ids == ["s2", "s1"]
    follower.agree(["s1"])
    assert (follower.agreed_ids, follower.ids) == (["s1"], ["s2", "s1"])
    follower.agree(["s1", "s2", "s3"])
    assert follower.agreed_ids == ["s2", "s1"]
