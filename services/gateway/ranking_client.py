"""Ranking over gRPC."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.gateway.backend import Backend
from services.gateway.batched_method import BatchedMethod
from services.gateway.batching import Batching
from services.gateway.candidates import Rows
from services.gateway.inspection import ScoringQuery
from services.gateway.neighbour_channels import NeighbourChannels
from services.gateway.neighbours import User, WrittenFeatures
from services.gateway.snapshot import GatewaySnapshot
from shared import logs
from shared.errors import InvalidArgument
from shared.tensors import FLOAT32, Ragged, decode, joined, parts, with_tensors
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1.ranking_service_pb2_grpc import RankingServiceStub

#: Candidates that travel together: with two hundred features each they still fit in a message.
MAX_BATCH_CANDIDATES = 16_384


@dataclass(frozen=True)
class _Question:
    """Candidates to score for a user."""

    snapshot: GatewaySnapshot
    user: User
    rows: Rows
    written: WrittenFeatures | None


class RankingClient:
    """A `Ranking`, a `ComparingRanking` and a `SnapshotHolder`.

    Args:
        channels: To the service.
        backend: Makes the calls.
        batching: How many questions travel together.
    """

    def __init__(self, channels: NeighbourChannels, backend: Backend, batching: Batching) -> None:
        self._stub = RankingServiceStub(channels.calls)
        batched = RankingServiceStub(channels.batches)
        self._backend = backend
        self.name = backend.name
        self._score = BatchedMethod(
            backend,
            batched.Score,
            name="Score",
            write=_write,
            read=_read,
            key=lambda question: question.snapshot.id,
            weight=lambda question: len(question.rows),
            limits=batching.limits(MAX_BATCH_CANDIDATES),
        )

    async def score(
        self, snapshot: GatewaySnapshot, user: User, rows: Rows, written: WrittenFeatures | None, budget: float
    ) -> NDArray[np.float32]:
        """See `Ranking`."""
        return await self._score.ask(_Question(snapshot, user, rows, written), budget)

    async def score_all(
        self, snapshot: GatewaySnapshot, queries: Sequence[ScoringQuery], budget: float
    ) -> Sequence[NDArray[np.float32]]:
        """See `ComparingRanking`."""
        questions = [
            _Question(snapshot, query.user, query.rows, WrittenFeatures.of_all(query.item_features))
            for query in queries
        ]
        response = await self._backend.call(self._stub.Score, _write(questions), budget, [logs.request_id.get()])
        try:
            return _read(response, questions)
        except InvalidArgument as unusable:
            raise self._backend.unusable(unusable) from unusable

    async def held_snapshots(self, budget: float) -> Sequence[str]:
        """See `SnapshotHolder`."""
        response = await self._backend.ask_state(self._stub.GetSnapshotStatus, pb.GetSnapshotStatusRequest(), budget)
        return list(response.snapshot_ids)


def _write(questions: Sequence[_Question]) -> pb.ScoreRequest:
    histories = Ragged.of([question.user.history for question in questions], np.uint32)
    candidates = Ragged.of([question.rows for question in questions], np.uint32)
    request = with_tensors(
        pb.ScoreRequest(snapshot_id=questions[0].snapshot.id),
        user_features=joined([question.user.features[None] for question in questions]),
        history_rows=histories.values,
        history_offsets=histories.offsets,
        candidate_rows=candidates.values,
        candidate_offsets=candidates.offsets,
    )
    _add_written(request, questions, candidates.offsets)
    return request


def _add_written(request: pb.ScoreRequest, questions: Sequence[_Question], firsts: NDArray[np.int64]) -> None:
    """Adds what was written over the features of the candidates, where anything was."""
    written = [
        (one.places + first, one.features)
        for question, first in zip(questions, firsts.tolist(), strict=False)
        if (one := question.written) is not None and len(one.places)
    ]
    if written:
        with_tensors(
            request,
            written_places=joined([places for places, _ in written]),
            written_features=joined([features for _, features in written]),
        )


def _read(response: pb.ScoreResponse, questions: Sequence[_Question]) -> list[NDArray[np.float32]]:
    objectives = questions[0].snapshot.manifest.objectives
    if tuple(response.objectives) != objectives:
        raise InvalidArgument("objectives", f"must be {', '.join(objectives)}")
    # One candidate with a broken score must not cost the others theirs: what is not finite sinks in the pipeline.
    sizes = [len(question.rows) for question in questions]
    return parts(decode(response.scores, "scores", FLOAT32, [sum(sizes), len(objectives)], finite=False), sizes)
