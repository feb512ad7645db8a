"""Ranking's contract: messages to arrays and back, limits checked; everything else is elsewhere."""

import asyncio
from concurrent.futures import Executor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from services.ranking.batch import ScoringBatch
from services.ranking.limits import MAX_CANDIDATES, MAX_HISTORY_ROWS, MAX_QUERIES
from services.ranking.merging import Scorer
from services.ranking.snapshot import RankingSnapshot
from shared.errors import InvalidArgument
from shared.history import pad_histories
from shared.tensors import FLOAT32, UINT32, check_rows, decode, decode_ragged, with_tensors
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1 import ranking_service_pb2_grpc as pb_grpc

#: Requests of up to so many bytes are decoded on the event loop. It takes 35 us for 500 candidates with 22 features and
#: about 100 us for this many bytes, which is what the way to another thread and back takes by itself.
_DECODED_INLINE = 1_000_000


class HeldSnapshots(Protocol):
    """The snapshots that are answered for; `SnapshotFollower` is them."""

    @property
    def agreed_ids(self) -> list[str]:
        """Their ids, the newest first, as far as every worker holds them."""
        ...

    def get(self, snapshot_id: str) -> RankingSnapshot:
        """Returns the snapshot of that id."""
        ...


class RankingServicer(pb_grpc.RankingServiceServicer):
    """Answers for the snapshots that are held.

    Args:
        held: The snapshots.
        score: Scores a batch; it takes concurrent calls.
        pool: Where large messages are decoded.
    """

    def __init__(self, held: HeldSnapshots, score: Scorer, pool: Executor) -> None:
        self._held = held
        self._score = score
        self._pool = pool

    async def Score(self, request: pb.ScoreRequest, _context: Any) -> pb.ScoreResponse:
        """Scores the candidates of many queries."""
        snapshot = self._held.get(request.snapshot_id)
        if _feature_bytes(request, snapshot) + len(request.history_rows.data) <= _DECODED_INLINE:
            batch = batch_of(request, snapshot)
        else:
            batch = await asyncio.get_running_loop().run_in_executor(self._pool, batch_of, request, snapshot)
        scores = await self._score(snapshot, batch)
        return with_tensors(pb.ScoreResponse(objectives=snapshot.objectives), scores=scores)

    async def GetSnapshotStatus(
        self, _request: pb.GetSnapshotStatusRequest, _context: Any
    ) -> pb.GetSnapshotStatusResponse:
        """Says which snapshots are held, by every worker where there are several."""
        return pb.GetSnapshotStatusResponse(snapshot_ids=self._held.agreed_ids)


def batch_of(request: pb.ScoreRequest, snapshot: RankingSnapshot) -> ScoringBatch:
    """Returns the request as arrays.

    Raises:
        InvalidArgument: naming the field that breaks a limit of the contract.
    """
    user_features = decode(request.user_features, "user_features", FLOAT32, [None, snapshot.user_features])
    queries = len(user_features)
    if not 1 <= queries <= MAX_QUERIES:
        raise InvalidArgument("user_features", f"is for {queries} queries; 1 to {MAX_QUERIES} are allowed")
    histories = decode_ragged(request.history_rows, request.history_offsets, "history", queries, MAX_HISTORY_ROWS)
    check_rows(histories.values, snapshot.items, "history_rows")
    candidates = decode_ragged(request.candidate_rows, request.candidate_offsets, "candidate", queries, MAX_CANDIDATES)
    check_rows(candidates.values, snapshot.items, "candidate_rows")
    return ScoringBatch(
        history=pad_histories(histories, snapshot.max_history),
        user_features=user_features,
        candidates=candidates.values.astype(np.int64),
        candidate_features=_features_of(request, snapshot, candidates.values),
        candidate_query=candidates.owners,
    )


def _features_of(request: pb.ScoreRequest, snapshot: RankingSnapshot, rows: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Returns the candidates' features: those of the request, else the snapshot's own with what was written over them.

    Args:
        request: Of the candidates.
        snapshot: The features that they were trained with.
        rows: uint32 [candidates], each checked to be one of the snapshot.
    """
    width = snapshot.item_features.shape[1]
    written = request.HasField("written_places") or request.HasField("written_features")
    if request.HasField("candidate_features"):
        if written:
            raise InvalidArgument(
                "written_places", "goes with the snapshot's own features, not with candidate_features"
            )
        return decode(request.candidate_features, "candidate_features", FLOAT32, [len(rows), width])
    features = snapshot.item_features.take(rows, axis=0, mode="clip")
    if written:
        places = decode(request.written_places, "written_places", UINT32, [None])
        if len(places) and int(places.max()) >= len(rows):
            raise InvalidArgument("written_places", f"holds {int(places.max())}; there are {len(rows)} candidates")
        features[places] = decode(request.written_features, "written_features", FLOAT32, [len(places), width])
    return features


def _feature_bytes(request: pb.ScoreRequest, snapshot: RankingSnapshot) -> int:
    """Returns the size of the candidates' features, whether they are in the request or to be gathered."""
    # A row has as many bytes in its tensor as each of its features.
    width: int = snapshot.item_features.shape[1]
    return len(request.candidate_rows.data) * width
