"""The two loops, on a service whose time is simulated."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

import pytest

from tests.load.arrivals import Bounds
from tests.load.driver import Call, closed_loop, open_loop
from tests.load.tally import Outcome
from tests.unit.load.fake_clock import FakeClock

OK = Outcome("OK")
SERVICE_SECONDS = 0.001


def calls() -> Iterator[Call]:
    """The same call for ever."""
    return repeat(Call("recommend", None))


class StallingService:
    """Answers in a millisecond, but not between two moments."""

    def __init__(self, clock: FakeClock, stalls: tuple[float, float] = (0.0, 0.0)) -> None:
        self._clock = clock
        self._stalls = stalls
        self.arrived: list[float] = []
        self.in_flight = 0
        self.most_in_flight = 0

    async def send(self, _call: Call) -> Outcome:
        """Answers, late if it must."""
        now = self._clock.now()
        self.arrived.append(now)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        begins, ends = self._stalls
        await self._clock.sleep_until((ends if begins <= now < ends else now) + SERVICE_SECONDS)
        self.in_flight -= 1
        return OK


async def test_an_open_loop_shows_a_stall_to_every_caller_that_met_it() -> None:
    """A stall of half a second in four is an eighth of the calls; its whole length is in the p99."""
    clock = FakeClock()
    service = StallingService(clock, stalls=(1.0, 1.5))
    bounds = Bounds(warmup=0, seconds=4, calls=10**6)
    tally = await clock.run(open_loop(calls(), service.send, bounds, 200, clock, max_in_flight=10**6))
    latency = tally.overall().percentiles()
    assert tally.answers == 800
    assert latency.p50 == pytest.approx(1, rel=0.01)
    assert latency.p90 == pytest.approx(101, abs=10)
    assert latency.p99 == pytest.approx(461, abs=15)
    assert latency.max == pytest.approx(501, rel=0.01)


async def test_a_closed_loop_hides_the_same_stall() -> None:
    """Which is why there is an open loop: only the callers in flight notice."""
    clock = FakeClock()
    service = StallingService(clock, stalls=(1.0, 1.5))
    bounds = Bounds(warmup=0, seconds=2, calls=10**6)
    tally = await clock.run(closed_loop(calls(), service.send, bounds, 2, clock))
    latency = tally.overall().percentiles()
    assert latency.p99 == pytest.approx(1, rel=0.01)
    assert latency.max == pytest.approx(501, rel=0.01)


async def test_calls_held_back_are_measured_from_when_they_were_due() -> None:
    """A limit on what is in flight bounds memory, and hides nothing of the stall."""
    clock = FakeClock()
    service = StallingService(clock, stalls=(0.5, 1.0))
    bounds = Bounds(warmup=0, seconds=2, calls=10**6)
    tally = await clock.run(open_loop(calls(), service.send, bounds, 100, clock, max_in_flight=4))
    assert service.most_in_flight == 4
    assert tally.answers == 200
    assert tally.overall().percentiles().p90 > 200


async def test_an_open_loop_sends_at_its_rate() -> None:
    """Evenly, from the start on."""
    clock = FakeClock()
    service = StallingService(clock)
    await clock.run(open_loop(calls(), service.send, Bounds(0, 1, 10**6), 20, clock, max_in_flight=100))
    assert service.arrived == pytest.approx([number / 20 for number in range(20)])


async def test_a_closed_loop_keeps_its_number_in_flight() -> None:
    """No more, and no fewer while it runs."""
    clock = FakeClock()
    service = StallingService(clock)
    tally = await clock.run(closed_loop(calls(), service.send, Bounds(0, 0.1, 10**6), 5, clock))
    assert service.most_in_flight == 5
    assert tally.answers == pytest.approx(5 * 0.1 / SERVICE_SECONDS, abs=5)


@pytest.mark.parametrize("loop", ["closed", "open"])
async def test_the_number_of_calls_is_bounded(loop: str) -> None:
    """However long the time that is left."""
    clock = FakeClock()
    service = StallingService(clock)
    bounds = Bounds(warmup=0, seconds=1000, calls=7)
    run = (
        closed_loop(calls(), service.send, bounds, 3, clock)
        if loop == "closed"
        else open_loop(calls(), service.send, bounds, 100, clock, max_in_flight=100)
    )
    tally = await clock.run(run)
    assert len(service.arrived) == tally.calls == 7


@pytest.mark.parametrize("loop", ["closed", "open"])
async def test_the_warm_up_is_not_counted(loop: str) -> None:
    """Its calls are made, so that connections and caches are warm, and leave no trace in the result."""
    clock = FakeClock()
    service = StallingService(clock, stalls=(0.0, 0.2))
    bounds = Bounds(warmup=0.5, seconds=0.5, calls=10**6)
    run = (
        closed_loop(calls(), service.send, bounds, 1, clock)
        if loop == "closed"
        else open_loop(calls(), service.send, bounds, 100, clock, max_in_flight=100)
    )
    tally = await clock.run(run)
    assert 0 < tally.calls < len(service.arrived)
    assert tally.overall().percentiles().max == pytest.approx(1, rel=0.01)
    assert tally.seconds == pytest.approx(0.5, abs=0.02)


async def test_the_time_of_a_backlog_counts() -> None:
    """What is answered after the end of sending is no throughput of the time before."""
    clock = FakeClock()
    service = StallingService(clock, stalls=(0.5, 3.0))
    tally = await clock.run(open_loop(calls(), service.send, Bounds(0, 1, 10**6), 10, clock, max_in_flight=100))
    assert tally.answers == 10
    assert tally.seconds == pytest.approx(3.001)
