"""A run gives each stage min(time remaining, its budget), and notes what happened."""

import pytest

from services.gateway.degradation import Degradation, NeighbourFailed, Reason, Stage
from services.gateway.run import Deadline, Run
from tests.unit.gateway.fakes import FakeClock, plain_items, snapshot_of


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


def run_with(clock: FakeClock, remaining: float, budget: float) -> Run:
    """A run that has `remaining` seconds, and `budget` for recall."""
    deadline = Deadline(remaining, clock)
    return Run(snapshot_of(plain_items(1)), deadline, {Stage.RECALL: budget}, clock)


@pytest.mark.parametrize(
    ("remaining", "default", "margin", "seconds"),
    [
        (0.05, 1.0, 0.01, 0.04),
        (None, 1.0, 0.01, 0.99),
        (0.01, 1.0, 0.01, 0.005),
        (0.0, 1.0, 0.01, 0.0),
        (None, float("inf"), 0.01, float("inf")),
    ],
)
def test_a_margin_is_kept_back_from_the_callers_deadline(
    clock: FakeClock, remaining: float | None, default: float, margin: float, seconds: float
) -> None:
    """At most half of the time, and from the default where the caller set no deadline."""
    deadline = Deadline.for_caller(remaining, default, margin, clock)
    assert deadline.remaining == pytest.approx(seconds)


@pytest.mark.parametrize(("remaining", "budget", "given"), [(0.5, 0.1, 0.1), (0.05, 0.1, 0.05)])
async def test_a_stage_gets_the_lesser_of_what_remains_and_its_budget(
    clock: FakeClock, remaining: float, budget: float, given: float
) -> None:
    """Neither may a slow stage eat the deadline, nor may one outlive it."""
    told: list[float] = []

    async def neighbour(seconds: float) -> str:
        told.append(seconds)
        return "answer"

    assert await run_with(clock, remaining, budget).attempt(Stage.RECALL, neighbour) == "answer"
    assert told == [pytest.approx(given)]


async def test_a_failure_becomes_a_degradation(clock: FakeClock) -> None:
    """The stage has no answer, and the run has the reason."""
    run = run_with(clock, 1.0, 1.0)

    async def neighbour(_: float) -> str:
        raise NeighbourFailed(Reason.OVERLOADED, "busy")

    assert await run.attempt(Stage.RECALL, neighbour) is None
    assert run.degradations == [Degradation(Stage.RECALL, Reason.OVERLOADED)]


async def test_nothing_is_sent_when_no_time_is_left(clock: FakeClock) -> None:
    """A call that cannot be answered in time would only cost the neighbour."""
    run = run_with(clock, 1.0, 1.0)
    clock.now += 0.9995

    async def neighbour(_: float) -> str:
        raise AssertionError("was asked")

    assert await run.attempt(Stage.RECALL, neighbour) is None
    assert run.degradations == [Degradation(Stage.RECALL, Reason.DEADLINE)]


async def test_what_is_not_a_neighbours_failure_is_an_error(clock: FakeClock) -> None:
    """A bug of the gateway's own must not pass for degradation."""

    async def neighbour(_: float) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_with(clock, 1.0, 1.0).attempt(Stage.RECALL, neighbour)


def test_stages_are_timed_in_the_order_in_which_they_end(clock: FakeClock) -> None:
    """Wall-clock time, waiting included."""
    run = run_with(clock, 1.0, 1.0)
    with run.timed(Stage.RECALL):
        clock.now += 0.25
    with run.timed(Stage.FILTER):
        pass
    assert run.timings == [(Stage.RECALL, pytest.approx(0.25)), (Stage.FILTER, 0.0)]
