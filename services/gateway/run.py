"""One request on its way through the stages: its time, and what happened to it."""

import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import TypeVar

from services.gateway.degradation import Degradation, NeighbourFailed, Reason, Stage
from services.gateway.snapshot import GatewaySnapshot
from services.gateway.treatment import UNTREATED, Treatment
from shared import tracing

Result = TypeVar("Result")
Clock = Callable[[], float]

#: With less than this left, in seconds, a call could only be sent and never be answered.
LEAST_BUDGET = 0.001


class Deadline:
    """When an answer must be ready.

    Args:
        seconds: From now until then.
        clock: Monotonic, in seconds.
    """

    def __init__(self, seconds: float, clock: Clock = time.perf_counter) -> None:
        self._clock = clock
        self._at = clock() + seconds

    @classmethod
    def for_caller(
        cls, remaining: float | None, default: float, margin: float, clock: Clock = time.perf_counter
    ) -> "Deadline":
        """Returns when to be ready for a caller who waits `remaining` seconds, or `default` where no limit was set.

        The margin is kept back so that a degraded answer still arrives in time. It is at most half of the time: a
        caller in a great hurry is served from what can be had, rather than not at all.
        """
        seconds = default if remaining is None else remaining
        return cls(seconds - min(margin, max(seconds, 0.0) / 2), clock)

    @property
    def remaining(self) -> float:
        """Seconds that are left; negative when it has passed."""
        return self._at - self._clock()


class Run:
    """What one request may spend, what it spent and what it did without.

    Args:
        snapshot: What everything in the answer comes from.
        deadline: When the answer must be ready.
        budgets: The most seconds that a stage may wait for a neighbour.
        clock: Monotonic, in seconds.
        explained: Whether somebody asked how the answer comes about: then neighbours say more, and nothing is left to
            chance.
        treatment: How the request is served where it does not say.

    Attributes:
        treatment: As given.
        timings: Each stage that ran and how long it took, in seconds.
        degradations: What was done without.
        removed: How many candidates each filter removed.
    """

    def __init__(
        self,
        snapshot: GatewaySnapshot,
        deadline: Deadline,
        budgets: Mapping[Stage, float],
        clock: Clock = time.perf_counter,
        *,
        explained: bool = False,
        treatment: Treatment = UNTREATED,
    ) -> None:
        self.snapshot = snapshot
        self.explained = explained
        self.treatment = treatment
        self._deadline = deadline
        self._budgets = budgets
        self._clock = clock
        self.timings: list[tuple[Stage, float]] = []
        self.degradations: list[Degradation] = []
        self.removed: dict[str, int] = {}

    def timed(self, stage: Stage) -> "_Timed":
        """Notes how long a stage took, unless it raises."""
        return _Timed(stage, self.timings, self._clock)

    def degrade(self, stage: Stage, reason: Reason, channel: str = "") -> None:
        """Notes what is done without."""
        self.degradations.append(Degradation(stage, reason, channel))

    async def attempt(self, stage: Stage, call: Callable[[float], Awaitable[Result]]) -> Result | None:
        """Asks a neighbour within min(time remaining, the stage's budget).

        Args:
            stage: On whose behalf.
            call: Asks, given the seconds that it may take.

        Returns:
            The answer, or None where there is none; the degradation is noted.
        """
        budget = min(self._deadline.remaining, self._budgets[stage])
        if budget < LEAST_BUDGET:
            self.degrade(stage, Reason.DEADLINE)
            return None
        try:
            return await call(budget)
        except NeighbourFailed as failure:
            self.degrade(stage, failure.reason)
            return None


class _Timed:
    """What `contextlib` would make of a generator, at a third of its cost, six times a request."""

    __slots__ = ("_clock", "_span", "_stage", "_started", "_timings")

    def __init__(self, stage: Stage, timings: list[tuple[Stage, float]], clock: Clock) -> None:
        self._stage = stage
        self._timings = timings
        self._clock = clock

    def __enter__(self) -> None:
        self._span = tracing.stage(self._stage.value)
        self._started = self._clock()
        self._span.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._span.__exit__(kind, error, trace)
        if kind is None:
            self._timings.append((self._stage, self._clock() - self._started))
