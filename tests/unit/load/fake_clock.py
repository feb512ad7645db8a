"""Time that passes only when everybody waits."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from itertools import count
from typing import TypeVar

_Result = TypeVar("_Result")

# More turns of the event loop than any chain of wake-ups in these tests needs.
_SETTLE = 50


class FakeClock:
    """A clock whose `run` jumps to the next moment that somebody sleeps for."""

    def __init__(self) -> None:
        self._now = 0.0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """The time."""
        return self._now

    async def sleep_until(self, moment: float) -> None:
        """Returns when `run` has come to `moment`."""
        awake = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (moment, next(self._order), awake))
        await awake

    async def run(self, work: Coroutine[None, None, _Result]) -> _Result:
        """Runs `work` to its end, in no time."""
        task = asyncio.ensure_future(work)
        while True:
            for _ in range(_SETTLE):
                await asyncio.sleep(0)
            if task.done():
                return task.result()
            assert self._sleepers, "everybody waits for something that is not time"
            moment, _, awake = heapq.heappop(self._sleepers)
            self._now = max(self._now, moment)
            awake.set_result(None)
