"""Runs the channels side by side on threads, each in its time, and does without those that fail."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from services.recall import metrics
from services.recall.channel import Channel, Floats, Found, Rows, SimilarityChannel
from shared.errors import Unavailable
from shared.tensors import Ragged

#: Queries that a thread searches in one go: few, so that a large batch cannot keep a small one waiting for long.
MAX_CHUNK = 8

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
AnyChannel = TypeVar("AnyChannel", bound=Channel)

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
        threads: How many threads the pool has.
        timeout_seconds: A channel that takes longer is done without.
    """

    def __init__(self, pool: Executor, threads: int, timeout_seconds: float) -> None:
        self._pool = pool
        self._threads = threads
        self._timeout_seconds = timeout_seconds

    async def retrieve(self, channels: Sequence[Channel], queries: Queries, limit: int) -> ChannelResults:
        """Returns at most `limit` candidates of each channel for each query.

        Raises:
            Unavailable: every channel failed.
        """

        async def search(channel: Channel) -> list[Found]:
            encoded = await self.off_loop(channel.encode, queries.histories, queries.user_features)
            return await self._each(
                len(queries), lambda query: channel.search(encoded[query], queries.excluded[query], limit)
            )

        return await self._side_by_side(channels, search, len(queries))

    async def retrieve_similar(
        self, channels: Sequence[SimilarityChannel], rows: NDArray[np.uint32], limit: int
    ) -> ChannelResults:
        """Returns at most `limit` items of each channel that are like each row.

        Raises:
            Unavailable: every channel failed.
        """

        async def search(channel: SimilarityChannel) -> list[Found]:
            return await self._each(len(rows), lambda query: channel.similar(int(rows[query]), limit))

        return await self._side_by_side(channels, search, len(rows))

    async def off_loop(
        self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """Runs a function on one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **kwargs))

    async def _side_by_side(
        self, channels: Sequence[AnyChannel], search: Callable[[AnyChannel], Awaitable[list[Found]]], queries: int
    ) -> ChannelResults:
        outcomes = await asyncio.gather(*(self._in_time(channel, search) for channel in channels))
        failed = [channel.name for channel, outcome in zip(channels, outcomes, strict=True) if outcome is None]
        if failed and len(failed) == len(channels):
            raise Unavailable("every channel failed; try again later")
        return ChannelResults(
            [[Found.nothing()] * queries if outcome is None else outcome for outcome in outcomes], failed
        )

    async def _in_time(
        self, channel: AnyChannel, search: Callable[[AnyChannel], Awaitable[list[Found]]]
    ) -> list[Found] | None:
        """Returns what a channel found, or None where it failed or took too long."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                found = await search(channel)
        except Exception as error:  # whatever breaks in one channel, the others answer
            reason = "timeout" if isinstance(error, TimeoutError) else "error"
            metrics.CHANNEL_FAILURES.labels(channel.name, reason).inc()
            log.error("a channel failed and was done without", channel=channel.name, reason=reason, error=repr(error))
            return None
        metrics.CHANNEL_SECONDS.labels(channel.name).observe(time.perf_counter() - started)
        candidates = metrics.CHANNEL_CANDIDATES.labels(channel.name)
        for one in found:
            candidates.observe(len(one.rows))
        return found

    async def _each(self, queries: int, search: Callable[[int], Found]) -> list[Found]:
        """Searches for queries 0 to `queries`, spread over the threads."""
        size = min(MAX_CHUNK, max(1, math.ceil(queries / self._threads)))

        def search_chunk(start: int) -> list[Found]:
            return [search(query) for query in range(start, min(start + size, queries))]

        chunks = await asyncio.gather(*(self.off_loop(search_chunk, start) for start in range(0, queries, size)))
        return [found for chunk in chunks for found in chunk]
