"""Batching by what is in flight: what arrives while calls are under way goes together in the next one.

A call costs hundreds of microseconds in Python whatever it carries, so calls are what to save. There is no timer: with
nothing in flight an entry goes within the same turn of the event loop, together with those that come in this turn, and
the next batch goes in the turn after the one before it. So the callers whom one batch has answered, who all go on at once,
are not split into the first of them and the rest; and nobody ever waits for company while the other side idles.

Where the other side computes for long it is worth more that it never idles than that batches are large: then the next can
go before those who were answered go on, if enough are waiting already.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from shared.errors import Overloaded
from shared.poller import give_way

Entry = TypeVar("Entry")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class BatchLimits:
    """How much goes together, and how much may wait.

    Attributes:
        entries: The most entries of a batch, at least 1; 1 turns batching off.
        weight: The most weight of a batch; an entry that is heavier by itself goes alone.
        waiting: The most entries that wait; more are refused.
        in_flight: The most batches that are under way at once, at least 1.
        company: How many must be waiting, for each entry of a batch that was answered, for the next to go before those who
            go on; above 0. However many there are, it goes after them by default.
    """

    entries: int
    weight: int
    waiting: int
    in_flight: int
    company: float = math.inf


@dataclass(eq=False)
class _Waiting(Generic[Entry, Outcome]):
    entry: Entry
    outcome: "asyncio.Future[Outcome]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class InFlightBatcher(Generic[Entry, Outcome]):
    """Sends entries in batches. Each gets its own outcome, in whatever company it went.

    Args:
        send: Carries out a batch; returns as many outcomes, in its order. An exception in the place of an outcome fails
            that entry alone; one that is raised fails the batch.
        limits: How much goes together, and how much may wait.
        key: Entries go together only where this is equal.
        weight: Counts towards the batch's weight.
        entry_to_blame: Whether an error may be one entry's fault. Each entry of the batch is then sent again alone, so
            that it fails nobody else.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Entry]], Awaitable[Sequence[Outcome | Exception]]],
        limits: BatchLimits,
        *,
        key: Callable[[Entry], Hashable] = lambda _entry: None,
        weight: Callable[[Entry], int] = lambda _entry: 1,
        entry_to_blame: Callable[[Exception], bool] = lambda _error: False,
    ) -> None:
        self._send = send
        self._limits = limits
        self._key = key
        self._weight = weight
        self._entry_to_blame = entry_to_blame
        self._waiting: deque[_Waiting[Entry, Outcome]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._alone = 0

    async def __call__(self, entry: Entry, until: float | None = None) -> Outcome:
        """Returns the entry's outcome. An entry whose caller is cancelled or gives up before it was sent is not sent.

        Args:
            entry: What to send.
            until: When to give up waiting for a place, in the loop's time; None never does. An entry that goes alone takes
                as long as `send` does: that must keep to the entry's time by itself.

        Raises:
            Overloaded: too many are waiting.
            TimeoutError: there was no outcome in time.
            Exception: what `send` raised, or put in the outcome's place.
        """
        if len(self._waiting) >= self._limits.waiting:
            raise Overloaded(f"more than {self._limits.waiting} requests are waiting; try again later")
        first = self._has_place() and not self._waiting
        if first and self._limits.entries == 1:
            return await self._send_alone(entry)
        waiting = _Waiting[Entry, Outcome](entry)
        self._waiting.append(waiting)
        if first and await self._stays_alone(waiting):
            return await self._send_alone(entry)
        if until is None:
            return await waiting.outcome
        # A timer on the outcome itself: `asyncio.timeout` would watch the task, at several times the cost.
        timer = asyncio.get_running_loop().call_at(until, _give_up, waiting.outcome)
        try:
            return await waiting.outcome
        finally:
            timer.cancel()

    async def _stays_alone(self, first: _Waiting[Entry, Outcome]) -> bool:
        """Lets others join in this turn of the loop. Returns whether nobody did; otherwise they are sent together."""
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            first.outcome.cancel()
            self._dispatch()
            raise
        if len(self._waiting) == 1 and self._waiting[0] is first:
            self._waiting.clear()
            return True
        self._dispatch()
        return False

    async def _send_alone(self, entry: Entry) -> Outcome:
        """Sends on the caller's own task: with a single request about, a task and a future cost as much as its work."""
        self._alone += 1
        try:
            outcome = _as_many(await self._send([entry]), 1)[0]
        finally:
            self._alone -= 1
            self._dispatch()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _has_place(self) -> bool:
        return self._alone + len(self._under_way) < self._limits.in_flight

    def _dispatch(self) -> None:
        """Sends as much as may be under way."""
        while self._has_place() and (batch := self._next_batch()):
            task = asyncio.create_task(self._carry_out(batch))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _make_way(self, answered: int) -> None:
        """Has the next batch go ahead of those whom this task is about to answer, if enough are waiting."""
        task = asyncio.current_task()
        if task in self._under_way and len(self._waiting) >= self._limits.company * answered:
            self._under_way.discard(task)
            self._dispatch()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        # Who has come meanwhile is to go too, and may not have been handed over to this loop yet.
        give_way()
        asyncio.get_running_loop().call_soon(self._dispatch)

    def _next_batch(self) -> list[_Waiting[Entry, Outcome]]:
        """Takes the oldest entry that is still wanted, and those after it that may go with it."""
        batch: list[_Waiting[Entry, Outcome]] = []
        left: deque[_Waiting[Entry, Outcome]] = deque()
        key: Hashable = None
        room = self._limits.weight
        while self._waiting and len(batch) < self._limits.entries:
            one = self._waiting.popleft()
            if one.outcome.done():  # its caller has gone
                continue
            weight = self._weight(one.entry)
            if not batch:
                key = self._key(one.entry)
            elif self._key(one.entry) != key or weight > room:
                left.append(one)
                continue
            batch.append(one)
            room -= weight
        left.extend(self._waiting)
        self._waiting = left
        return batch

    async def _carry_out(self, batch: Sequence[_Waiting[Entry, Outcome]]) -> None:
        try:
            outcomes = _as_many(await self._send([one.entry for one in batch]), len(batch))
        except asyncio.CancelledError:
            for one in batch:
                one.outcome.cancel()
            raise
        except Exception as error:  # whatever it is, it is the callers' to hear
            if len(batch) > 1 and self._entry_to_blame(error):
                await asyncio.gather(*(self._carry_out([one]) for one in batch if not one.outcome.done()))
            else:
                for one in batch:
                    _settle(one.outcome, error)
        else:
            self._make_way(len(batch))
            for one, outcome in zip(batch, outcomes, strict=True):
                _settle(one.outcome, outcome)


def _as_many(outcomes: Sequence[Outcome | Exception], entries: int) -> Sequence[Outcome | Exception]:
    """Checks that no entry would be left without an outcome, or with another's."""
    if len(outcomes) != entries:
        raise RuntimeError(f"{len(outcomes)} outcomes came for {entries} entries")
    return outcomes


def _settle(future: "asyncio.Future[Outcome]", outcome: Outcome | Exception) -> None:
    if future.done():  # its caller has gone
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _give_up(future: "asyncio.Future[Outcome]") -> None:
    if not future.done():
        future.set_exception(TimeoutError())
