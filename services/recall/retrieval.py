"""Runs the channels side by side on threads, each in its time, and does without those that fail.

A single channel that is known to be quick has nothing beside it, and is searched without a thread.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from services.recall import metrics
from services.recall.channel import Channel, Floats, Found, Rows, SimilarityChannel
from services.recall.gathering import Gathering
from shared.errors import Unavailable
from shared.short_work import ShortWork
from shared.tensors import Ragged

Result = TypeVar("Result")
AnyChannel = TypeVar("AnyChannel", bound=Channel)

#: What a channel found for each query, and how many seconds that took.
Timed = tuple[list[Found], float]

#: By channel, in the order of those that search: an exception where it failed, None where it took too long.
Outcomes = Sequence[Timed | Exception | None]
Failures = dict[str, Exception | None]

log = structlog.get_logger()


@dataclass(frozen=True)
class Queries:
    """Users to find candidates for.

    Attributes:
        histories: int64 [queries, width], padded on the left with -1.
        user_features: float32 [queries, user features].
        excluded: uint32 rows that must not be found, a list for each query.
    """

    histories: Rows
    user_features: Floats
    excluded: Ragged

    def __len__(self) -> int:
        return len(self.histories)


@dataclass(frozen=True)
class ChannelResults:
    """What the channels found for a batch.

    Attributes:
        found: [channels][queries]; empty lists where the channel failed.
        failed: Names of the channels that failed.
    """

    found: list[list[Found]]
    failed: list[str]


class Retriever:
    """Searches channels for batches of queries.

    Args:
        pool: Where encoders and searches run; they release the GIL for most of it.
        timeout_seconds: A channel that takes longer is done without.
        short_work: Makes what knows which searches need no thread; a parameter for tests.
    """

    def __init__(self, pool: Executor, timeout_seconds: float, short_work: Callable[[], ShortWork] = ShortWork) -> None:
        self._pool = pool
        self._timeout_seconds = timeout_seconds
        self._retrieving = short_work()
        self._comparing = short_work()

    async def retrieve(
        self,
        channels: Sequence[Channel],
        queries: Queries,
        limit: int,
        finish: Callable[[ChannelResults], Result],
    ) -> Result:
        """Returns what `finish` makes of at most `limit` candidates of each channel for each query.

        Args:
            channels: Which to search, at least one.
            queries: Whom for.
            limit: How many candidates of a channel for a query.
            finish: Merges them; it runs on a thread.

        Raises:
            Unavailable: every channel failed.
        """

        def search(channel: Channel) -> list[Found]:
            encoded = channel.encode(queries.histories, queries.user_features)
            return channel.search(encoded, queries.excluded, limit)

        rows = len(queries) * limit + len(queries.excluded.values) + queries.histories.size
        return await self._side_by_side(channels, search, len(queries), finish, short=self._retrieving, weight=rows)

    async def retrieve_similar(
        self,
        channels: Sequence[SimilarityChannel],
        rows: NDArray[np.uint32],
        limit: int,
        finish: Callable[[ChannelResults], Result],
    ) -> Result:
        """Returns what `finish` makes of at most `limit` items of each channel that are like each row.

        Raises:
            Unavailable: every channel failed.
        """
        wide = rows.astype(np.int64)

        def search(channel: SimilarityChannel) -> list[Found]:
            return channel.similar(wide, limit)

        weight = len(rows) * limit
        return await self._side_by_side(channels, search, len(rows), finish, short=self._comparing, weight=weight)

    async def _side_by_side(
        self,
        channels: Sequence[AnyChannel],
        search: Callable[[AnyChannel], list[Found]],
        queries: int,
        finish: Callable[[ChannelResults], Result],
        *,
        short: ShortWork,
        weight: int,
    ) -> Result:
        """Searches each channel on a thread; the last one also asks those that only look up, and finishes."""
        slow = [channel for channel in channels if not channel.instant]
        started = time.perf_counter()
        begun: list[float] = []

        def timed(channel: AnyChannel, since: float) -> Timed:
            begun.append(time.perf_counter())
            return search(channel), time.perf_counter() - since

        def conclude(outcomes: Outcomes) -> tuple[list[Result], Failures, float]:
            of_slow = dict(zip((channel.name for channel in slow), outcomes, strict=False))
            results, failures = _collected(
                channels,
                lambda channel: of_slow[channel.name] if channel.name in of_slow else _attempt(timed, channel),
                queries,
            )
            finished = [finish(results)] if len(failures) < len(channels) else []
            return finished, failures, time.perf_counter() - (begun[0] if begun else started)

        if len(slow) <= 1 and short.fits(channels[0], weight):
            finished, failures, seconds = conclude([_attempt(timed, channel) for channel in slow])
        else:
            jobs: list[Callable[[], Timed]] = [partial(timed, channel, started) for channel in slow]
            with short.on_threads():
                gathering = Gathering(self._pool, conclude)
                finished, failures, seconds = await gathering.run(jobs or [_nothing], self._timeout_seconds)
        short.took(channels[0], weight, seconds)
        for name, error in failures.items():
            _report(name, error)
        if not finished:
            raise Unavailable("every channel failed; try again later")
        return finished[0]


def _nothing() -> Timed:
    """Leads to the thread that finishes where no channel needs one."""
    return [], 0.0


def _attempt(search: Callable[[AnyChannel, float], Timed], channel: AnyChannel) -> Timed | Exception:
    try:
        return search(channel, time.perf_counter())
    except Exception as error:  # whatever breaks in one channel, the others answer
        return error


def _collected(
    channels: Sequence[AnyChannel], outcome_of: Callable[[AnyChannel], Timed | Exception | None], queries: int
) -> tuple[ChannelResults, Failures]:
    """Returns what the channels found, and which failed; counts what is answered with."""
    found: list[list[Found]] = []
    failures: Failures = {}
    for channel in channels:
        outcome = outcome_of(channel)
        if isinstance(outcome, tuple):
            lists, seconds = outcome
            metrics.CHANNEL_SECONDS.labels(channel.name).observe(seconds)
            metrics.CHANNEL_CANDIDATES.observe(channel.name, [len(one.rows) for one in lists])
            found.append(lists)
        else:
            failures[channel.name] = outcome
            found.append([Found.nothing()] * queries)
    return ChannelResults(found, list(failures)), failures


def _report(channel: str, error: Exception | None) -> None:
    """Tells of a channel that was done without; None stands for one that took too long."""
    reason = "timeout" if error is None else "error"
    metrics.CHANNEL_FAILURES.labels(channel, reason).inc()
    log.error("a channel failed and was done without", channel=channel, reason=reason, error=repr(error))
