"""Recall over gRPC."""

from collections.abc import Sequence
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from services.gateway.backend import Backend
from services.gateway.candidates import Candidates, Rows
from services.gateway.neighbours import Retrieved, User
from services.gateway.snapshot import GatewaySnapshot
from shared.errors import InvalidArgument
from shared.tensors import FLOAT32, UINT32, check_rows, decode, decode_ragged, encode
from winnow.recall.v1 import recall_service_pb2 as pb
from winnow.recall.v1.recall_service_pb2_grpc import RecallServiceStub

#: Of the contract, for one request. What is beyond is still filtered here.
MAX_EXCLUDED_ROWS = 1_048_576

#: Bits of `found_by`.
MAX_CHANNELS = 32


class RecallClient:
    """A `Recall` and a `SnapshotHolder`.

    Args:
        channel: To the service.
        backend: Makes the calls.
    """

    def __init__(self, channel: grpc.aio.Channel, backend: Backend) -> None:
        self._stub = RecallServiceStub(channel)
        self._backend = backend
        self.name = backend.name

    async def retrieve(
        self, snapshot: GatewaySnapshot, user: User, excluded: Rows, max_candidates: int, budget: float
    ) -> Retrieved:
        """See `Recall`."""
        excluded = excluded[:MAX_EXCLUDED_ROWS]
        request = pb.RetrieveRequest(
            snapshot_id=snapshot.id,
            history_rows=encode(user.history, pb.Tensor),
            history_offsets=_offsets(user.history),
            user_features=encode(user.features[np.newaxis], pb.Tensor),
            excluded_rows=encode(excluded, pb.Tensor),
            excluded_offsets=_offsets(excluded),
            max_candidates=max_candidates,
        )
        response = await self._backend.call(self._stub.Retrieve, request, budget)
        with self._backend.reading():
            return _read(response, max_candidates, snapshot)

    async def retrieve_similar(
        self, snapshot: GatewaySnapshot, row: int, max_candidates: int, budget: float
    ) -> Retrieved:
        """See `Recall`."""
        request = pb.RetrieveSimilarRequest(
            snapshot_id=snapshot.id,
            item_rows=encode(np.array([row], dtype=np.uint32), pb.Tensor),
            max_candidates=max_candidates,
        )
        response = await self._backend.call(self._stub.RetrieveSimilar, request, budget)
        with self._backend.reading():
            return _read(response, max_candidates, snapshot)

    async def held_snapshots(self, budget: float) -> Sequence[str]:
        """See `SnapshotHolder`."""
        response = await self._backend.ask_state(self._stub.GetSnapshotStatus, pb.GetSnapshotStatusRequest(), budget)
        return list(response.snapshot_ids)


def _offsets(only: NDArray[Any]) -> pb.Tensor:
    """Returns the offsets of one list laid end to end with nothing."""
    return encode(np.array([0, len(only)], dtype=np.uint32), pb.Tensor)


def _read(
    response: pb.RetrieveResponse | pb.RetrieveSimilarResponse, max_candidates: int, snapshot: GatewaySnapshot
) -> Retrieved:
    channels = tuple(response.channels)
    if len(channels) > MAX_CHANNELS:
        raise InvalidArgument("channels", f"are {len(channels)}; found_by has bits for {MAX_CHANNELS}")
    found = decode_ragged(response.candidate_rows, response.candidate_offsets, "candidate", 1, max_candidates)
    rows = found.values
    check_rows(rows, len(snapshot.catalogue), "candidate_rows")
    found_by = decode(response.found_by, "found_by", UINT32, [len(rows)])
    scores = decode(response.channel_scores, "channel_scores", FLOAT32, [len(rows), len(channels)])
    return Retrieved(Candidates(rows, found_by, scores, channels), tuple(response.failed_channels))
