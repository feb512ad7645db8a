"""Two ways to load a service.

A closed loop keeps a number of calls in flight: each waits for its answer before the next is sent, as a fixed crowd of
impatient callers would. While the service stalls it sends nothing, and so hides how many would have waited.

An open loop sends at a constant rate, as a public does that does not know of the stall, and measures every call from
the moment at which it was due, sent late or not. Its percentiles are what callers see (G. Tene, "How NOT to Measure
Latency", on coordinated omission).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.load.arrivals import Bounds, constant_rate
from tests.load.clock import Clock
from tests.load.tally import Outcome, Tally


@dataclass(frozen=True)
class Call:
    """A request and the RPC that it is for."""

    rpc: str
    request: Any


#: Sends a call and says how it ended; never raises for a status.
Send = Callable[[Call], Awaitable[Outcome]]


async def closed_loop(calls: Iterator[Call], send: Send, bounds: Bounds, in_flight: int, clock: Clock) -> Tally:
    """Keeps `in_flight` calls in flight until a bound is reached, then waits for the last answers.

    A call is counted when it was sent after the warm-up.
    """
    run = _Run(send, bounds, clock)
    left = iter(range(bounds.calls))

    async def caller() -> None:
        while clock.now() < run.end and next(left, None) is not None:
            await run.make(next(calls), clock.now())

    await asyncio.gather(*(caller() for _ in range(in_flight)))
    return run.tally()


async def open_loop(
    calls: Iterator[Call], send: Send, bounds: Bounds, rate: float, clock: Clock, *, max_in_flight: int
) -> Tally:
    """Sends `rate` calls a second until a bound is reached, then waits for the last answers.

    A call is counted when it was due after the warm-up. Beyond `max_in_flight` calls wait their turn here, which
    bounds the memory and changes no measurement: their time runs from when they were due.
    """
    run = _Run(send, bounds, clock)
    places = asyncio.Semaphore(max_in_flight)

    async def make(call: Call, due: float) -> None:
        try:
            await run.make(call, due)
        finally:
            places.release()

    async with asyncio.TaskGroup() as group:
        for due in constant_rate(run.start, rate, bounds):
            if clock.now() < due:
                await clock.sleep_until(due)
            await places.acquire()
            group.create_task(make(next(calls), due))
    return run.tally()


class _Run:
    """One run in progress: makes calls and counts those after the warm-up."""

    def __init__(self, send: Send, bounds: Bounds, clock: Clock) -> None:
        self._send = send
        self._clock = clock
        self._tally = Tally()
        self.start = clock.now()
        self._measured_from = self.start + bounds.warmup
        self.end = self._measured_from + bounds.seconds
        self._last_answer = self._measured_from

    async def make(self, call: Call, began: float) -> None:
        """Makes one call, whose time runs from `began`."""
        outcome = await self._send(call)
        if began >= self._measured_from:
            answered = self._clock.now()
            self._tally.count(call.rpc, outcome, answered - began)
            self._last_answer = max(self._last_answer, answered)

    def tally(self) -> Tally:
        """Returns the counts, over the time until the last answer.

        A backlog that is worked off after the end of sending took its time too.
        """
        self._tally.seconds = self._last_answer - self._measured_from
        return self._tally
