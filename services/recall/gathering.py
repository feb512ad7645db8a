"""Brings what several threads find together on the thread of the last, without waking the event loop for the others."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Generic, TypeVar

Outcome = TypeVar("Outcome")
Result = TypeVar("Result")


class Gathering(Generic[Outcome, Result]):
    """Runs jobs side by side and concludes from their outcomes. Each hop between threads costs as much as a short search.

    Args:
        pool: Where jobs run.
        conclude: Makes the result of the outcomes, in the order of the jobs: the exception of a job that failed, and
            None for one that was not awaited. Runs on the thread of the last job.
    """

    def __init__(self, pool: Executor, conclude: Callable[[Sequence[Outcome | Exception | None]], Result]) -> None:
        self._pool = pool
        self._conclude = conclude
        self._outcomes: list[Outcome | Exception | None] = []
        self._left = 0
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._result: asyncio.Future[Result] = self._loop.create_future()

    async def run(self, jobs: Sequence[Callable[[], Outcome]], timeout_seconds: float) -> Result:
        """Returns the result when all jobs have ended, or of those that have when the time is up.

        A job that has not begun by then, or when the caller is cancelled, is not begun.

        Args:
            jobs: At least one.
            timeout_seconds: How long to wait for them.

        Raises:
            Exception: what `conclude` raised.
        """
        self._outcomes = [None] * len(jobs)
        self._left = len(jobs)
        try:
            for place, job in enumerate(jobs):
                self._pool.submit(self._do, place, job)
            await asyncio.wait([self._result], timeout=timeout_seconds)
            if not self._result.done() and self._close():
                self._pool.submit(self._finish)
            return await self._result
        finally:
            self._close()
            self._result.cancel()  # nobody waits for it any more

    def _do(self, place: int, job: Callable[[], Outcome]) -> None:
        if self._closed.is_set():
            return
        try:
            outcome: Outcome | Exception = job()
        except Exception as error:  # whatever breaks in one job, the others go on
            outcome = error
        with self._lock:
            if self._closed.is_set():
                return
            self._outcomes[place] = outcome
            self._left -= 1
            if self._left:
                return
            self._closed.set()
        self._finish()

    def _close(self) -> bool:
        """Takes no more outcomes; returns whether some were still awaited."""
        with self._lock:
            was_open = not self._closed.is_set()
            self._closed.set()
        return was_open

    def _finish(self) -> None:
        try:
            settle = partial(self._result.set_result, self._conclude(self._outcomes))
        except Exception as error:  # it is the caller's to hear
            settle = partial(self._result.set_exception, error)
        self._loop.call_soon_threadsafe(self._settle, settle)

    def _settle(self, settle: Callable[[], None]) -> None:
        if not self._result.done():  # else its caller has gone
            settle()
