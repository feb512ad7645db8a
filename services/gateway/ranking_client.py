"""Ranking over gRPC."""

from collections.abc import Sequence

import grpc
import numpy as np
from numpy.typing import NDArray

from services.gateway.backend import Backend
from services.gateway.candidates import Rows
from services.gateway.neighbours import User
from services.gateway.snapshot import GatewaySnapshot
from shared.errors import InvalidArgument
from shared.tensors import FLOAT32, decode, encode
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1.ranking_service_pb2_grpc import RankingServiceStub


class RankingClient:
    """A `Ranking` and a `SnapshotHolder`.

    Args:
        channel: To the service.
        backend: Makes the calls.
    """

    def __init__(self, channel: grpc.aio.Channel, backend: Backend) -> None:
        self._stub = RankingServiceStub(channel)
        self._backend = backend
        self.name = backend.name

    async def score(
        self, snapshot: GatewaySnapshot, user: User, rows: Rows, item_features: NDArray[np.float32], budget: float
    ) -> NDArray[np.float32]:
        """See `Ranking`."""
        request = pb.ScoreRequest(
            snapshot_id=snapshot.id,
            user_features=encode(user.features[np.newaxis], pb.Tensor),
            history_rows=encode(user.history, pb.Tensor),
            history_offsets=encode(np.array([0, len(user.history)], dtype=np.uint32), pb.Tensor),
            candidate_rows=encode(rows, pb.Tensor),
            candidate_offsets=encode(np.array([0, len(rows)], dtype=np.uint32), pb.Tensor),
            candidate_features=encode(item_features, pb.Tensor),
        )
        response = await self._backend.call(self._stub.Score, request, budget)
        with self._backend.reading():
            return _read(response, len(rows), snapshot)

    async def held_snapshots(self, budget: float) -> Sequence[str]:
        """See `SnapshotHolder`."""
        response = await self._backend.ask_state(self._stub.GetSnapshotStatus, pb.GetSnapshotStatusRequest(), budget)
        return list(response.snapshot_ids)


def _read(response: pb.ScoreResponse, candidates: int, snapshot: GatewaySnapshot) -> NDArray[np.float32]:
    objectives = snapshot.manifest.objectives
    if tuple(response.objectives) != objectives:
        raise InvalidArgument("objectives", f"must be {', '.join(objectives)}")
    # One candidate with a broken score must not cost the others theirs: what is not finite sinks in the pipeline.
    return decode(response.scores, "scores", FLOAT32, [candidates, len(objectives)], finite=False)
