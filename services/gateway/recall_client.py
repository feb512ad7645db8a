"""Recall over gRPC."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.gateway.backend import Backend
from services.gateway.batched_method import BatchedMethod
from services.gateway.batching import Batching
from services.gateway.candidates import Candidates, Rows
from services.gateway.neighbour_channels import NeighbourChannels
from services.gateway.neighbours import Retrieved, User
from services.gateway.snapshot import GatewaySnapshot
from shared import logs
from shared.errors import InvalidArgument
from shared.tensors import FLOAT32, UINT32, Ragged, check_rows, decode, decode_ragged, joined, with_tensors
from winnow.recall.v1 import recall_service_pb2 as pb
from winnow.recall.v1.recall_service_pb2_grpc import RecallServiceStub

#: Of the contract, for one request. What is beyond is still filtered here.
MAX_EXCLUDED_ROWS = 1_048_576

#: Bits of `found_by`.
MAX_CHANNELS = 32


#: Candidates that one request may ask for in all, of the contract: 262,144. Half of it leaves room in the answer's bytes.
MAX_BATCH_CANDIDATES = 131_072

#: Recall computes for longer than the others, and would idle while those whom it answered go on. With a quarter of a batch
#: batches get too small.
_COMPANY = 0.5


@dataclass(frozen=True)
class _Question:
    """Whom to find candidates for."""

    snapshot: GatewaySnapshot
    user: User
    excluded: Rows
    max_candidates: int


class RecallClient:
    """A `Recall` and a `SnapshotHolder`.

    Args:
        channels: To the service.
        backend: Makes the calls.
        batching: How many questions travel together.
    """

    def __init__(self, channels: NeighbourChannels, backend: Backend, batching: Batching) -> None:
        self._stub = RecallServiceStub(channels.calls)
        batched = RecallServiceStub(channels.batches)
        self._backend = backend
        self.name = backend.name
        self._retrieve = BatchedMethod(
            backend,
            batched.Retrieve,
            name="Retrieve",
            write=_write,
            read=_read_all,
            key=lambda question: (question.snapshot.id, question.max_candidates),
            weight=lambda question: max(question.max_candidates, len(question.excluded)),
            limits=batching.limits(MAX_BATCH_CANDIDATES, _COMPANY),
        )

    async def retrieve(
        self, snapshot: GatewaySnapshot, user: User, excluded: Rows, max_candidates: int, budget: float
    ) -> Retrieved:
        """See `Recall`."""
        return await self._retrieve.ask(_Question(snapshot, user, excluded[:MAX_EXCLUDED_ROWS], max_candidates), budget)

    async def retrieve_similar(
        self, snapshot: GatewaySnapshot, row: int, max_candidates: int, budget: float
    ) -> Retrieved:
        """See `Recall`."""
        request = with_tensors(
            pb.RetrieveSimilarRequest(snapshot_id=snapshot.id, max_candidates=max_candidates),
            item_rows=np.array([row], dtype=np.uint32),
        )
        response = await self._backend.call(self._stub.RetrieveSimilar, request, budget, [logs.request_id.get()])
        try:
            return _read(response, [snapshot], max_candidates)[0]
        except InvalidArgument as unusable:
            raise self._backend.unusable(unusable) from unusable

    async def held_snapshots(self, budget: float) -> Sequence[str]:
        """See `SnapshotHolder`."""
        response = await self._backend.ask_state(self._stub.GetSnapshotStatus, pb.GetSnapshotStatusRequest(), budget)
        return list(response.snapshot_ids)


def _write(questions: Sequence[_Question]) -> pb.RetrieveRequest:
    histories = Ragged.of([question.user.history for question in questions], np.uint32)
    excluded = Ragged.of([question.excluded for question in questions], np.uint32)
    return with_tensors(
        pb.RetrieveRequest(
            snapshot_id=questions[0].snapshot.id,
            max_candidates=questions[0].max_candidates,
        ),
        history_rows=histories.values,
        history_offsets=histories.offsets,
        user_features=joined([question.user.features[None] for question in questions]),
        excluded_rows=excluded.values,
        excluded_offsets=excluded.offsets,
    )


def _read_all(response: pb.RetrieveResponse, questions: Sequence[_Question]) -> list[Retrieved]:
    return _read(response, [question.snapshot for question in questions], questions[0].max_candidates)


def _read(
    response: pb.RetrieveResponse | pb.RetrieveSimilarResponse,
    snapshots: Sequence[GatewaySnapshot],
    max_candidates: int,
) -> list[Retrieved]:
    """Returns what was found for each query, given its snapshot: the same one, with what changed since, or not yet."""
    channels = tuple(response.channels)
    if len(channels) > MAX_CHANNELS:
        raise InvalidArgument("channels", f"are {len(channels)}; found_by has bits for {MAX_CHANNELS}")
    queries, items = len(snapshots), snapshots[0].items
    limit = queries * max_candidates
    found = decode_ragged(response.candidate_rows, response.candidate_offsets, "candidate", queries, limit)
    rows = found.values
    found_by = decode(response.found_by, "found_by", UINT32, [len(rows)])
    scores = decode(response.channel_scores, "channel_scores", FLOAT32, [len(rows), len(channels)])
    together = Candidates(rows, found_by, scores, channels)
    failed = tuple(response.failed_channels)
    if not len(rows) or int(np.maximum.reduce(rows)) < items:  # the usual case: nothing that is live
        return [Retrieved(together.take(found.span(query)), failed) for query in range(queries)]
    if isinstance(response, pb.RetrieveResponse):
        together = replace(together, stand_ins=_read_stand_ins(response.stand_in_rows, rows, items))
    return [
        Retrieved(_meant(together.take(found.span(query)), snapshot), failed)
        for query, snapshot in enumerate(snapshots)
    ]


def _read_stand_ins(message: pb.Tensor, rows: Rows, items: int) -> Rows:
    """Returns uint32 [candidates, stand-ins]: of each row below `items` itself."""
    live = rows >= items
    of_live = decode(message, "stand_in_rows", UINT32, [int(live.sum()), None])
    if not of_live.shape[1]:
        raise InvalidArgument("stand_in_rows", "must have one for each live candidate at least")
    check_rows(of_live.ravel(), items, "stand_in_rows")
    stand_ins = np.repeat(rows[:, np.newaxis], of_live.shape[1], axis=1)
    stand_ins[live] = of_live
    return stand_ins


def _meant(candidates: Candidates, snapshot: GatewaySnapshot) -> Candidates:
    """Returns the candidates that stand for items: recall may have heard of a change that has not come here yet."""
    meant = snapshot.means(candidates.rows)
    return candidates if meant.all() else candidates.take(meant)
