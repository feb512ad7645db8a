"""The RPCs of the gateway: messages to queries, and answers to messages."""

import math
import time
from typing import Any

from services.gateway import explanation_messages, messages, metrics, validation
from services.gateway.agreement import SnapshotAgreement
from services.gateway.config import GatewaySettings
from services.gateway.explainer import Explainer
from services.gateway.forgetting import UserEraser
from services.gateway.pipeline import RecommendPipeline
from services.gateway.recording import EventRecorder
from services.gateway.run import Deadline
from services.gateway.similar import SimilarPipeline
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
        explainer: Answers Explain.
        settings: How long an answer may take.
    """

    def __init__(
        self,
        agreement: SnapshotAgreement,
        recommend: RecommendPipeline,
        similar: SimilarPipeline,
        recorder: EventRecorder,
        eraser: UserEraser,
        *,
        explainer: Explainer,
        settings: GatewaySettings,
    ) -> None:
        self._agreement = agreement
        self._recommend = recommend
        self._similar = similar
        self._recorder = recorder
        self._eraser = eraser
        self._explainer = explainer
        self._default_seconds = settings.request_deadline_ms / 1000
        self._margin_seconds = settings.deadline_margin_ms / 1000

    async def Recommend(self, request: pb.RecommendRequest, context: Any) -> pb.RecommendResponse:
        """See the contract."""
        deadline = self._deadline(context, self._default_seconds)
        request_id = _adopt(request.request_id)
        snapshot = self._agreement.active
        query = validation.read_recommend(request, snapshot)
        answer = await self._recommend.recommend(query, snapshot, deadline)
        metrics.count(answer)
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

    async def Explain(self, request: pb.ExplainRequest, context: Any) -> pb.ExplainResponse:
        """See the contract."""
        deadline = self._deadline(context, self._default_seconds)
        snapshot = self._agreement.active
        query, asked = validation.read_explain(request, snapshot)
        request_id = _adopt(request.request.request_id)
        explanation = await self._explainer.explain(query, asked, snapshot, deadline)
        return explanation_messages.explain_response(explanation, request_id)

    def _deadline(self, context: Any, default: float) -> Deadline:
        return Deadline.for_caller(context.time_remaining(), default, self._margin_seconds)


def _adopt(request_id: str) -> str:
    """Takes the caller's id for what is logged and sent on; without one, that of the metadata or a new one stays."""
    validation.check_request_id(request_id)
    if request_id:
        logs.request_id.set(request_id)
    return logs.request_id.get()
