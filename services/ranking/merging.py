"""Scoring across requests: what comes while runs are under way goes together in the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from services.ranking.batch import ScoringBatch, cut, join
from services.ranking.device import Device
from services.ranking.lanes import Lanes
from services.ranking.padding import CANDIDATE_BUCKETS, CPU_RUN_CANDIDATES, QUERY_BUCKETS
from services.ranking.scoring import Scores, finite, run, score
from services.ranking.snapshot import RankingSnapshot
from shared.batching import BatchLimits, InFlightBatcher
from shared.tensors import parts

log = structlog.get_logger()

#: Scores a batch with a snapshot's ranker: float32 [N, objectives], finite, in the order of the candidates.
Scorer = Callable[[RankingSnapshot, ScoringBatch], Awaitable[Scores]]

#: Two runs keep a GPU busy: it computes one while the other's numbers are laid out. More would only keep requests from
#: being merged.
CUDA_IN_FLIGHT = 2


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

    Args:
        lanes: Where the model runs; it releases the GIL.
        limits: How much goes together, and how much may wait.
    """

    def __init__(self, lanes: Lanes, limits: MergeLimits) -> None:
        self._lanes = lanes
        self._at_once = limits.in_flight
        # A snapshot may be on another device than the one before it, and what is quick differs.
        self._batchers: dict[Device, InFlightBatcher[_Request, Scores]] = {
            "cpu": self._batcher(limits.candidates or CPU_RUN_CANDIDATES, limits.waiting, limits.in_flight),
            "cuda": self._batcher(limits.candidates or CANDIDATE_BUCKETS[-1], limits.waiting, CUDA_IN_FLIGHT),
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
        if len(requests) == 1 and (shares := self._shares(requests[0])) > 1:
            return [await self._score_side_by_side(requests[0], shares)]
        return await self._lanes(_score_together, requests)

    def _shares(self, request: _Request) -> int:
        """Returns over how many threads to spread a request: one that takes several runs need not take them in a row."""
        if request.snapshot.device != "cpu":
            return 1
        return min(self._at_once, -(-len(request.batch) // CPU_RUN_CANDIDATES))

    async def _score_side_by_side(self, request: _Request, shares: int) -> Scores:
        batch, ranker = request.batch, request.snapshot.ranker
        scored = await asyncio.gather(
            *(self._lanes(run, ranker, share) for share in cut(batch, -(-len(batch) // shares)))
        )
        return finite(np.concatenate(scored), batch)


def _score_together(requests: Sequence[_Request]) -> Sequence[Scores | Exception]:
    """Scores requests for one snapshot, in one run where that is quicker.

    Where that run fails each is scored by itself, so that only the guilty one fails.
    """
    snapshot = requests[0].snapshot
    if len(requests) > 1 and snapshot.joins:
        batches = [request.batch for request in requests]
        try:
            return parts(score(snapshot.ranker, join(batches)), [len(batch) for batch in batches])
        except Exception as error:  # whatever the model raises
            log.debug("a joined run failed; its requests are run apart", error=repr(error))
    return [_score_alone(request) for request in requests]


def _score_alone(request: _Request) -> Scores | Exception:
    try:
        return score(request.snapshot.ranker, request.batch)
    except Exception as error:  # whatever the model raises, it is for the caller to hear
        return error
