"""Scoring across requests: what comes while runs are under way goes together in the next one."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from services.ranking.batch import ScoringBatch, join
from services.ranking.device import Device
from services.ranking.padding import CANDIDATE_BUCKETS, CPU_RUN_CANDIDATES, QUERY_BUCKETS
from services.ranking.scoring import Scores, score
from services.ranking.snapshot import RankingSnapshot
from shared.batching import BatchLimits, InFlightBatcher
from shared.short_work import ShortWork
from shared.tensors import parts

#: Scores a batch with a snapshot's ranker: float32 [N, objectives], finite, in the order of the candidates.
Scorer = Callable[[RankingSnapshot, ScoringBatch], Awaitable[Scores]]

#: Two runs keep a GPU busy: it computes one while the other's numbers are laid out. More would only keep requests from
#: being merged.
_CUDA_IN_FLIGHT = 2


@dataclass(frozen=True)
class MergeLimits:
    """How much goes together, and how much may wait.

    Attributes:
        candidates: The most candidates of a merged run, at least 1; a request that has more goes alone. 0 takes what is
            quick: `CPU_RUN_CANDIDATES` on the CPU, everything that the contract allows in one call on CUDA.
        waiting: The most requests that wait; more are refused.
        in_flight: Runs that are under way at once on the CPU, at least 1.
    """

    candidates: int
    waiting: int
    in_flight: int


@dataclass(frozen=True, eq=False)
class _Request:
    snapshot: RankingSnapshot
    batch: ScoringBatch


class MergedScoring:
    """A `Scorer` that merges the batches of concurrent calls. A batch that comes alone goes at once.

    On the CPU, one that comes alone and is known to be short is run on the event loop itself.

    Args:
        pool: Where the model runs; it releases the GIL.
        limits: How much goes together, and how much may wait.
        short: Knows which runs need no thread; a parameter for tests.
    """

    def __init__(self, pool: Executor, limits: MergeLimits, short: ShortWork | None = None) -> None:
        self._pool = pool
        self._short = short or ShortWork()
        # A snapshot may be on another device than the one before it, and what is quick differs.
        self._batchers: dict[Device, InFlightBatcher[_Request, Scores]] = {
            "cpu": self._batcher(limits.candidates or CPU_RUN_CANDIDATES, limits.waiting, limits.in_flight),
            "cuda": self._batcher(limits.candidates or CANDIDATE_BUCKETS[-1], limits.waiting, _CUDA_IN_FLIGHT),
        }

    async def __call__(self, snapshot: RankingSnapshot, batch: ScoringBatch) -> Scores:
        """Returns the scores of a batch, float32 [N, objectives], all finite.

        A caller that is cancelled before its batch was run costs nothing.

        Raises:
            Overloaded: too many are waiting.
            Exception: the model failed on this very batch.
        """
        return await self._batchers[snapshot.device](_Request(snapshot, batch))

    def _batcher(self, candidates: int, waiting: int, in_flight: int) -> InFlightBatcher[_Request, Scores]:
        most_queries = QUERY_BUCKETS[-1]

        def weight(request: _Request) -> int:
            """The share of a run that the candidates take, or the queries where they take more: the sum bounds both."""
            return max(len(request.batch) * most_queries, request.batch.queries * candidates)

        return InFlightBatcher(
            self._run,
            BatchLimits(entries=most_queries, weight=candidates * most_queries, waiting=waiting, in_flight=in_flight),
            key=lambda request: id(request.snapshot),
            weight=weight,
        )

    async def _run(self, requests: Sequence[_Request]) -> Sequence[Scores | Exception]:
        snapshot = requests[0].snapshot
        rows = sum(len(request.batch) + request.batch.history.size for request in requests)
        # On CUDA a run waits for the device, and for the one thread that may talk to it.
        if snapshot.device == "cpu" and self._short.fits(snapshot, rows):
            outcomes, seconds = _score_timed(requests)
        else:
            with self._short.on_threads():
                loop = asyncio.get_running_loop()
                outcomes, seconds = await loop.run_in_executor(self._pool, _score_timed, requests)
        self._short.took(snapshot, rows, seconds)
        return outcomes


def _score_timed(requests: Sequence[_Request]) -> tuple[Sequence[Scores | Exception], float]:
    started = time.perf_counter()
    outcomes = _score_together(requests)
    return outcomes, time.perf_counter() - started


def _score_together(requests: Sequence[_Request]) -> Sequence[Scores | Exception]:
    """Scores requests for one snapshot in one run; where that fails each by itself, so that only the guilty one does."""
    ranker = requests[0].snapshot.ranker
    batches = [request.batch for request in requests]
    try:
        scores = score(ranker, join(batches))
    except Exception as error:  # whatever the model raises
        if len(requests) == 1:
            return [error]
        return [outcome for request in requests for outcome in _score_together([request])]
    return parts(scores, [len(batch) for batch in batches])
