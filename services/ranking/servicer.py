"""Ranking's contract: messages to arrays and back, limits checked; everything else is elsewhere."""

import asyncio
from concurrent.futures import Executor
from typing import Any

import numpy as np

from services.ranking.batch import ScoringBatch
from services.ranking.limits import MAX_CANDIDATES, MAX_HISTORY_ROWS, MAX_QUERIES
from services.ranking.scoring import score
from services.ranking.snapshot import RankingSnapshot
from shared.errors import InvalidArgument
from shared.history import pad_histories
from shared.snapshot.follower import SnapshotFollower
from shared.tensors import FLOAT32, check_rows, decode, decode_ragged, encode
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1 import ranking_service_pb2_grpc as pb_grpc


class RankingServicer(pb_grpc.RankingServiceServicer):
    """Answers for the snapshots that are held.

    Args:
        follower: The snapshots.
        pool: Where the model runs; it releases the GIL.
    """

    def __init__(self, follower: SnapshotFollower[RankingSnapshot], pool: Executor) -> None:
        self._follower = follower
        self._pool = pool

    async def Score(self, request: pb.ScoreRequest, _context: Any) -> pb.ScoreResponse:
        """Scores the candidates of many queries."""
        snapshot = self._follower.get(request.snapshot_id)
        return await asyncio.get_running_loop().run_in_executor(self._pool, _answer, request, snapshot)

    async def GetSnapshotStatus(
        self, _request: pb.GetSnapshotStatusRequest, _context: Any
    ) -> pb.GetSnapshotStatusResponse:
        """Says which snapshots are held."""
        return pb.GetSnapshotStatusResponse(snapshot_ids=self._follower.ids)


def _answer(request: pb.ScoreRequest, snapshot: RankingSnapshot) -> pb.ScoreResponse:
    """Decodes, scores and encodes: for a large batch each takes longer than the event loop may wait."""
    scores = score(snapshot.ranker, _batch(request, snapshot))
    return pb.ScoreResponse(scores=encode(scores, pb.Tensor), objectives=snapshot.objectives)


def _batch(request: pb.ScoreRequest, snapshot: RankingSnapshot) -> ScoringBatch:
    user_features = decode(request.user_features, "user_features", FLOAT32, [None, snapshot.user_features])
    queries = len(user_features)
    if not 1 <= queries <= MAX_QUERIES:
        raise InvalidArgument("user_features", f"is for {queries} queries; 1 to {MAX_QUERIES} are allowed")
    histories = decode_ragged(request.history_rows, request.history_offsets, "history", queries, MAX_HISTORY_ROWS)
    check_rows(histories.values, snapshot.items, "history_rows")
    candidates = decode_ragged(request.candidate_rows, request.candidate_offsets, "candidate", queries, MAX_CANDIDATES)
    check_rows(candidates.values, snapshot.items, "candidate_rows")
    shape = [len(candidates.values), snapshot.item_features]
    return ScoringBatch(
        history=pad_histories(histories, snapshot.max_history),
        user_features=user_features,
        candidates=candidates.values.astype(np.int64),
        candidate_features=decode(request.candidate_features, "candidate_features", FLOAT32, shape),
        candidate_query=candidates.owners,
    )
