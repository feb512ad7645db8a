"""The RPCs of the gateway: messages to queries, and answers to messages."""

import math
import time
from collections.abc import AsyncIterator
from typing import Any

from services.gateway import explanation_messages, messages, metrics, validation
from services.gateway.agreement import SnapshotAgreement
from services.gateway.config import GatewaySettings
from services.gateway.experiments.assignment import Assignment
from services.gateway.explainer import Explainer
from services.gateway.exposure_log import ExposureLog
from services.gateway.forgetting import UserEraser
from services.gateway.live_items import item_validation
from services.gateway.live_items.writing import ItemWriter
from services.gateway.pipeline import RecommendPipeline
from services.gateway.recording import EventRecorder
from services.gateway.run import Deadline
from services.gateway.similar import SimilarPipeline
from services.gateway.snapshot import GatewaySnapshot
from services.gateway.treatment import CURRENT, Treatment
from shared import logs
from winnow.gateway.v1 import gateway_service_pb2 as pb
from winnow.gateway.v1.gateway_service_pb2_grpc import GatewayServiceServicer


class GatewayServicer(GatewayServiceServicer):
    """Answers the public RPCs.

    Args:
        agreement: Says which snapshot to serve from.
        recommend: Answers Recommend.
        similar: Answers RecommendSimilar.
        recorder: Records events.
        eraser: Forgets users.
        items: Upserts and withdraws items.
        explainer: Answers Explain.
        settings: How long an answer may take.
        assignment: Says how each request is served.
        exposures: Takes what is shown; None where it is not logged.
    """

    def __init__(
        self,
        agreement: SnapshotAgreement,
        recommend: RecommendPipeline,
        similar: SimilarPipeline,
        recorder: EventRecorder,
        eraser: UserEraser,
        *,
        items: ItemWriter,
        explainer: Explainer,
        settings: GatewaySettings,
        assignment: Assignment,
        exposures: ExposureLog | None,
    ) -> None:
        self._agreement = agreement
        self._recommend = recommend
        self._similar = similar
        self._recorder = recorder
        self._eraser = eraser
        self._items = items
        self._explainer = explainer
        self._assignment = assignment
        self._exposures = exposures
        self._default_seconds = settings.request_deadline_ms / 1000
        self._margin_seconds = settings.deadline_margin_ms / 1000

    async def Recommend(self, request: pb.RecommendRequest, context: Any) -> pb.RecommendResponse:
        """See the contract."""
        deadline = self._deadline(context, self._default_seconds)
        request_id = _adopt(request.request_id)
        treatment, snapshot = self._treat(request, request_id)
        query = validation.read_recommend(request, snapshot)
        answer = await self._recommend.recommend(query, snapshot, deadline, treatment)
        metrics.count(answer)
        if self._exposures is not None and not request.untracked:
            self._exposures.offer(answer, query.user_id, request_id)
        return messages.recommend_response(answer, request_id)

    async def RecommendSimilar(self, request: pb.RecommendSimilarRequest, context: Any) -> pb.RecommendSimilarResponse:
        """See the contract."""
        deadline = self._deadline(context, self._default_seconds)
        request_id = _adopt(request.request_id)
        snapshot = self._agreement.active
        query = validation.read_similar(request, snapshot)
        answer = await self._similar.recommend_similar(query, snapshot, deadline)
        metrics.count(answer)
        return messages.similar_response(answer, request_id)

    async def ForgetUser(self, request: pb.ForgetUserRequest, context: Any) -> pb.ForgetUserResponse:
        """See the contract."""
        deadline = self._deadline(context, math.inf)
        request_id = _adopt(request.request_id)
        erased = await self._eraser.forget(validation.read_forget(request), deadline)
        return messages.forget_response(erased, request_id)

    async def RecordEvents(self, request: pb.RecordEventsRequest, context: Any) -> pb.RecordEventsResponse:
        """See the contract."""
        deadline = self._deadline(context, math.inf)
        request_id = _adopt(request.request_id)
        events = validation.read_events(request, self._agreement.active, time.time_ns() // 1_000_000)
        result = await self._recorder.record(events, deadline)
        return pb.RecordEventsResponse(recorded=result.recorded, duplicates=result.duplicates, request_id=request_id)

    async def IngestEvents(
        self, requests: AsyncIterator[pb.IngestEventsRequest], context: Any
    ) -> pb.IngestEventsResponse:
        """See the contract."""
        batches = (
            validation.read_events(request, self._agreement.active, time.time_ns() // 1_000_000)
            async for request in requests
        )
        result = await self._recorder.ingest(batches, self._deadline(context, math.inf))
        return pb.IngestEventsResponse(recorded=result.recorded, duplicates=result.duplicates, messages=result.messages)

    async def Explain(self, request: pb.ExplainRequest, context: Any) -> pb.ExplainResponse:
        """See the contract."""
        deadline = self._deadline(context, self._default_seconds)
        request_id = _adopt(request.request.request_id, "request.request_id")
        treatment, snapshot = self._treat(request.request, request_id)
        query, asked = validation.read_explain(request, snapshot)
        explanation = await self._explainer.explain(query, asked, snapshot, deadline, treatment.unexplored)
        return explanation_messages.explain_response(explanation, request_id)

    async def UpsertItems(self, request: pb.UpsertItemsRequest, context: Any) -> pb.UpsertItemsResponse:
        """See the contract."""
        deadline = self._deadline(context, math.inf)
        request_id = _adopt(request.request_id)
        result = await self._items.upsert(item_validation.read_items(request), deadline)
        return pb.UpsertItemsResponse(added=result.added, updated=result.updated, request_id=request_id)

    async def WithdrawItems(self, request: pb.WithdrawItemsRequest, context: Any) -> pb.WithdrawItemsResponse:
        """See the contract."""
        deadline = self._deadline(context, math.inf)
        request_id = _adopt(request.request_id)
        withdrawn = await self._items.withdraw(item_validation.read_withdrawn(request), deadline)
        return pb.WithdrawItemsResponse(withdrawn=withdrawn, request_id=request_id)

    def _treat(self, request: pb.RecommendRequest, request_id: str) -> tuple[Treatment, GatewaySnapshot]:
        """Returns how a request is served, and from which snapshot."""
        treatment = self._assignment.treat(request.user_id, request_id, request.untracked)
        if treatment.policy.snapshot != CURRENT:
            if (snapshot := self._agreement.find(treatment.policy.snapshot)) is not None:
                return treatment, snapshot
            # What the arm is about cannot be had: to serve something else in its name would falsify what it is read from.
            metrics.EXPERIMENT_SKIPPED.labels(treatment.arm).inc()
            treatment = self._assignment.without_arm(request_id)
        return treatment, self._agreement.active

    def _deadline(self, context: Any, default: float) -> Deadline:
        return Deadline.for_caller(context.time_remaining(), default, self._margin_seconds)


def _adopt(request_id: str, field: str = "request_id") -> str:
    """Takes the caller's id for what is logged and sent on; without one, that of the metadata or a new one stays."""
    validation.check_request_id(request_id, field)
    if request_id:
        logs.request_id.set(request_id)
    return logs.request_id.get()
