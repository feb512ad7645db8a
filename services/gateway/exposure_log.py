"""Logs what was shown, after the answer: no answer waits for it, and none fails with it.

What is shown goes to the feature store in batches, a few each second at most: a call for each answer would cost as much
as an answer does. While the feature store cannot take it, it waits; what finds no room to wait is dropped, and counted.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

import structlog

from services.gateway import metrics
from services.gateway.answer import Answer
from services.gateway.degradation import NeighbourFailed, Reason
from services.gateway.exposure import Exposure, exposure_of

#: Exposures that travel in one message; the contract allows four times as many.
BATCH = 256

#: Seconds that the first of a batch waits for others. A crash loses what waits.
GATHERING_SECONDS = 0.1

#: Seconds that a call may take, and until the next attempt after one that failed.
CALL_SECONDS = 2.0
RETRY_SECONDS = 0.5

log = structlog.get_logger()


class ExposureSink(Protocol):
    """Where exposures go."""

    async def log_exposures(self, exposures: Sequence[Exposure], budget: float) -> None:
        """Logs all exposures or none, within `budget` seconds; on return they are in the log.

        Raises:
            NeighbourFailed: they are not, or nobody knows.
        """
        ...


class ExposureLog:
    """Exposures on their way to the log.

    Args:
        sink: Where they go.
        waiting: How many may wait; more are dropped.
        gathering: Seconds that the first of a batch waits for others.
        now_ms: The time, in milliseconds since 1970, UTC.
    """

    def __init__(
        self,
        sink: ExposureSink,
        waiting: int,
        gathering: float = GATHERING_SECONDS,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._sink = sink
        self._limit = waiting
        self._gathering = gathering
        self._now_ms = now_ms
        self._waiting: deque[Exposure] = deque()
        self._offered = asyncio.Event()
        self._sending = asyncio.Lock()
        self._dropping = False

    def offer(self, answer: Answer, user_id: str, request_id: str) -> None:
        """Takes an answer that is about to be given. Never waits, and never raises. An empty answer shows nothing."""
        if not answer.items:
            return
        if len(self._waiting) >= self._limit:
            self._drop(1, "full")
            return
        self._waiting.append(exposure_of(answer, user_id, request_id, self._now_ms()))
        self._offered.set()

    async def follow(self) -> None:
        """Sends for ever."""
        while True:
            await self._offered.wait()
            if len(self._waiting) < BATCH:
                await asyncio.sleep(self._gathering)
            if not await self._send_batch(CALL_SECONDS):
                await asyncio.sleep(RETRY_SECONDS)

    async def flush(self, seconds: float) -> None:
        """Sends what was offered until now, within `seconds`. For the end of the process."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        left = len(self._waiting)
        while self._waiting and left > 0 and (budget := until - loop.time()) > 0:
            before = len(self._waiting)
            if not await self._send_batch(min(budget, CALL_SECONDS)):
                break
            left -= min(before, BATCH)

    async def discard(self, user_id: str) -> None:
        """Drops what waits about a user who is to be forgotten; on return nothing of it can reach the log any more."""
        async with self._sending:  # what is on its way arrives first, and is erased with the rest
            kept = [exposure for exposure in self._waiting if exposure.user_id != user_id]
            if len(kept) < len(self._waiting):
                metrics.EXPOSURES_DROPPED.labels("forgotten").inc(len(self._waiting) - len(kept))
                self._waiting = deque(kept)
                if not kept:
                    self._offered.clear()

    def close(self) -> None:
        """Counts as dropped what was not sent."""
        if self._waiting:
            self._drop(len(self._waiting), "shutdown")
            self._waiting.clear()

    async def _send_batch(self, budget: float) -> bool:
        """Sends the oldest. Returns whether more may be sent at once: it went well, or nothing was there."""
        async with self._sending:
            batch = list(islice(self._waiting, BATCH))
            try:
                if batch:
                    await self._sink.log_exposures(batch, budget)
            except NeighbourFailed as failure:
                if failure.reason is Reason.ERROR:  # it will not be taken the next time either
                    self._remove(len(batch))
                    self._drop(len(batch), "refused")
                return False
            self._remove(len(batch))
            self._dropping = False
            metrics.EXPOSURES_LOGGED.inc(len(batch))
            return True

    def _remove(self, count: int) -> None:
        for _ in range(count):
            self._waiting.popleft()
        if not self._waiting:
            self._offered.clear()

    def _drop(self, count: int, reason: str) -> None:
        metrics.EXPOSURES_DROPPED.labels(reason).inc(count)
        if not self._dropping:  # once, until something is logged again
            self._dropping = True
            log.warning("exposures are dropped: the feature store does not take them", reason=reason)
