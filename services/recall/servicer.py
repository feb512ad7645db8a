"""Recall's contract: messages to arrays and back, limits checked; everything else is elsewhere."""

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import Channel
from services.recall.live.delta import Delta
from services.recall.merge import Merge, fuse, merge
from services.recall.retrieval import ChannelResults, Queries, Retriever
from services.recall.snapshot import RecallSnapshot
from shared.errors import InvalidArgument
from shared.history import pad_histories
from shared.snapshot.follower import SnapshotFollower
from shared.tensors import FLOAT32, UINT32, Ragged, decode, decode_ragged, with_tensors
from winnow.recall.v1 import recall_service_pb2 as pb
from winnow.recall.v1 import recall_service_pb2_grpc as pb_grpc

MAX_QUERIES = 256
MAX_HISTORY_ROWS = 65_536
MAX_EXCLUDED_ROWS = 1_048_576
MAX_CANDIDATES = 10_000
MAX_CANDIDATES_IN_ALL = 262_144
DEFAULT_CANDIDATES = 500
DEFAULT_SIMILAR = 100

#: How many times as many items as are asked for each channel looks for, when items alike are fused.
FUSION_DEPTH = 2

Answer = TypeVar("Answer", pb.RetrieveResponse, pb.RetrieveSimilarResponse)


class RecallServicer(pb_grpc.RecallServiceServicer):
    """Answers for the snapshots that are held.

    Args:
        follower: The snapshots.
        retriever: Searches their channels.
    """

    def __init__(self, follower: SnapshotFollower[RecallSnapshot], retriever: Retriever) -> None:
        self._follower = follower
        self._retriever = retriever

    async def Retrieve(self, request: pb.RetrieveRequest, _context: Any) -> pb.RetrieveResponse:
        """Finds candidates for many users."""
        snapshot = self._follower.get(request.snapshot_id)
        histories, excluded = _lists(request)
        delta = _delta(snapshot, histories.values, excluded.values)
        if delta is not None:
            snapshot.live.learn(histories)
            histories = delta.rows_to_encode(histories)
        shape = [len(histories), snapshot.user_features]
        user_features = decode(request.user_features, "user_features", FLOAT32, shape)
        queries = Queries(pad_histories(histories, snapshot.max_history), user_features, excluded)
        limit = _limit(request.max_candidates, DEFAULT_CANDIDATES, len(queries))
        channels = snapshot.channels if delta is None else delta.channels
        finish = partial(_answer, pb.RetrieveResponse, merge, channels, limit, delta=delta)
        return await self._retriever.retrieve(channels, queries, limit, finish)

    async def RetrieveSimilar(self, request: pb.RetrieveSimilarRequest, _context: Any) -> pb.RetrieveSimilarResponse:
        """Finds the items most like each of many items."""
        snapshot = self._follower.get(request.snapshot_id)
        rows = decode(request.item_rows, "item_rows", UINT32, [None])
        _check_queries(len(rows), "item_rows")
        delta = _delta(snapshot, rows)
        channels = snapshot.similarity_channels if delta is None else delta.similarity_channels
        limit = _limit(request.max_candidates, DEFAULT_SIMILAR, len(rows))
        # Deeper than asked for: what one list has low may be what the others agree on.
        depth = FUSION_DEPTH * limit
        finish = partial(_answer, pb.RetrieveSimilarResponse, fuse, channels, limit, delta=None)
        return await self._retriever.retrieve_similar(channels, rows, depth, finish)

    async def GetSnapshotStatus(
        self, _request: pb.GetSnapshotStatusRequest, _context: Any
    ) -> pb.GetSnapshotStatusResponse:
        """Says which snapshots are held, by every worker where there are several."""
        return pb.GetSnapshotStatusResponse(snapshot_ids=self._follower.agreed_ids)


def _lists(request: pb.RetrieveRequest) -> tuple[Ragged, Ragged]:
    """Returns each query's history and excluded rows."""
    histories = decode_ragged(request.history_rows, request.history_offsets, "history", None, MAX_HISTORY_ROWS)
    _check_queries(len(histories), "history_offsets")
    excluded = decode_ragged(
        request.excluded_rows, request.excluded_offsets, "excluded", len(histories), MAX_EXCLUDED_ROWS
    )
    return histories, excluded


def _delta(snapshot: RecallSnapshot, *rows: NDArray[np.uint32]) -> Delta | None:
    """Returns what is beside the snapshot; None where neither it nor the request knows of anything."""
    if (delta := snapshot.live.delta) is not None:
        return delta
    beyond = any(len(some) and int(np.maximum.reduce(some)) >= snapshot.items for some in rows)
    return snapshot.live.nothing if beyond else None


def _check_queries(queries: int, field: str) -> None:
    if not 1 <= queries <= MAX_QUERIES:
        raise InvalidArgument(field, f"is for {queries} queries; 1 to {MAX_QUERIES} are allowed")


def _limit(max_candidates: int, default: int, queries: int) -> int:
    limit = max_candidates or default
    if limit > MAX_CANDIDATES:
        raise InvalidArgument("max_candidates", f"is {limit}; at most {MAX_CANDIDATES} are allowed")
    if limit * queries > MAX_CANDIDATES_IN_ALL:
        raise InvalidArgument(
            "max_candidates", f"is {limit} for each of {queries} queries; at most {MAX_CANDIDATES_IN_ALL} in all"
        )
    return limit


def _answer(
    message: type[Answer],
    join: Merge,
    channels: Sequence[Channel],
    limit: int,
    results: ChannelResults,
    *,
    delta: Delta | None,
) -> Answer:
    """Merges each query's candidates into an answer; given a delta, with stand-ins. Runs off the event loop."""
    merged = join(results.found, [channel.quota for channel in channels], limit)
    stand_ins = {}
    if delta is not None and len(beside := merged.rows[merged.rows >= delta.items]):
        stand_ins = {"stand_in_rows": delta.stand_ins(beside)}
    return with_tensors(
        message(channels=[channel.name for channel in channels], failed_channels=results.failed),
        candidate_rows=merged.rows,
        candidate_offsets=merged.offsets,
        found_by=merged.found_by,
        channel_scores=merged.scores,
        **stand_ins,
    )
