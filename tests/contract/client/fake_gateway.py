"""A gateway that answers as it is told, on a real port of this process."""

# ruff: noqa: N802 - the contract names the methods

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tests.fake_server import fake_server
from winnow.gateway.v1 import gateway_service_pb2 as pb
from winnow.gateway.v1.gateway_service_pb2_grpc import GatewayServiceServicer, add_GatewayServiceServicer_to_server

_Response = TypeVar("_Response")


@dataclass(frozen=True)
class Refusal:
    """A status to answer with, and the `ErrorInfo` in it."""

    code: grpc.StatusCode
    message: str = "refused by the test"
    reason: str = ""
    field: str = ""

    def status(self, **told: str) -> grpc.Status:
        """The status as gRPC sends it, with more metadata where it is told."""
        details = []
        if self.reason:
            detail = any_pb2.Any()
            metadata = told | ({"field": self.field} if self.field else {})
            detail.Pack(error_details_pb2.ErrorInfo(reason=self.reason, domain="winnow", metadata=metadata))
            details.append(detail)
        number: int = self.code.value[0]
        status: grpc.Status = rpc_status.to_status(
            status_pb2.Status(code=number, message=self.message, details=details)
        )
        return status


@dataclass(frozen=True)
class Stall:
    """Answers once `until` is set; `begun` is set when a call waits for it."""

    begun: asyncio.Event
    until: asyncio.Event


class FakeGateway(GatewayServiceServicer):
    """Remembers what it was asked, and by which connections it was asked for single answers.

    Each call uses up one of `outcomes`, and succeeds when there are none left.
    """

    def __init__(self) -> None:
        self.outcomes: deque[Refusal | Stall] = deque()
        self.received: list[Any] = []
        self.peers: set[str] = set()
        self.degradations: list[pb.Degradation] = []
        self.items = [recommended_item("1", "Alpha"), recommended_item("2", "Beta")]
        self.explained_title = "Alpha"

    async def Recommend(self, request: pb.RecommendRequest, context: Any) -> pb.RecommendResponse:
        """Answers with `items`."""
        response = pb.RecommendResponse(
            items=self.items,
            request_id=request.request_id or "made-by-the-gateway",
            snapshot_id="snapshot-1",
            experiment_arm="control",
            degradations=self.degradations,
            timings=[pb.StageTiming(stage=pb.STAGE_RECALL, duration=Duration(nanos=2_500_000))],
            known_user=True,
        )
        return await self._answer(request, context, response)

    async def RecommendSimilar(self, request: pb.RecommendSimilarRequest, context: Any) -> pb.RecommendSimilarResponse:
        """Answers with `items`."""
        response = pb.RecommendSimilarResponse(items=self.items, request_id="r", snapshot_id="snapshot-1")
        return await self._answer(request, context, response)

    async def Explain(self, request: pb.ExplainRequest, context: Any) -> pb.ExplainResponse:
        """Explains `items`, and that a third one was seen."""
        answer = pb.RecommendResponse(
            items=self.items, request_id="r", snapshot_id="snapshot-1", degradations=self.degradations, known_user=True
        )
        explained = explanation(answer)
        explained.items[0].title = self.explained_title
        return await self._answer(request, context, explained)

    async def RecordEvents(self, request: pb.RecordEventsRequest, context: Any) -> pb.RecordEventsResponse:
        """Says that all events but one were new."""
        response = pb.RecordEventsResponse(recorded=len(request.events) - 1, duplicates=1, request_id="r")
        return await self._answer(request, context, response)

    async def ForgetUser(self, request: pb.ForgetUserRequest, context: Any) -> pb.ForgetUserResponse:
        """Says that two events of the user were erased, and nothing else was there."""
        response = pb.ForgetUserResponse(
            erasures=[pb.Erasure(place="history", records=2), pb.Erasure(place="counters")],
            erased_at=Timestamp(seconds=1_700_000_000),
            request_id="r",
        )
        return await self._answer(request, context, response)

    async def IngestEvents(self, requests: Any, context: Any) -> pb.IngestEventsResponse:
        """Says that all events but one were new; a refusal says how many messages came before."""
        events = messages = 0
        async for request in requests:
            self.received.append(request)
            if self.outcomes and isinstance(refusal := self.outcomes.popleft(), Refusal):
                status = refusal.status(recorded_messages=str(messages))
                await context.abort(status.code, status.details, status.trailing_metadata)
            events += len(request.events)
            messages += 1
        return pb.IngestEventsResponse(recorded=events - 1, duplicates=1, messages=messages)

    async def UpsertItems(self, request: pb.UpsertItemsRequest, context: Any) -> pb.UpsertItemsResponse:
        """Says that all items but one were new."""
        response = pb.UpsertItemsResponse(added=len(request.items) - 1, updated=1, request_id="r")
        return await self._answer(request, context, response)

    async def WithdrawItems(self, request: pb.WithdrawItemsRequest, context: Any) -> pb.WithdrawItemsResponse:
        """Says that all items but one were there."""
        response = pb.WithdrawItemsResponse(withdrawn=len(request.item_ids) - 1, request_id="r")
        return await self._answer(request, context, response)

    async def _answer(self, request: Any, context: Any, response: _Response) -> _Response:
        self.received.append(request)
        self.peers.add(context.peer())
        outcome = self.outcomes.popleft() if self.outcomes else None
        if isinstance(outcome, Refusal):
            status = outcome.status()
            await context.abort(status.code, status.details, status.trailing_metadata)
        if isinstance(outcome, Stall):
            outcome.begun.set()
            await outcome.until.wait()
        return response


def recommended_item(item_id: str, title: str) -> pb.RecommendedItem:
    """An item that a channel found and the ranker scored."""
    return pb.RecommendedItem(
        item_id=item_id,
        title=title,
        categories=["Comedy", "Drama"],
        score=1.5,
        objective_scores={"like": 1.5},
        channels=[pb.ChannelHit(channel="sequence", score=0.25)],
    )


def explanation(answer: pb.RecommendResponse) -> pb.ExplainResponse:
    """How an answer of two items, "1" and "2", came about, and that "3" was seen."""
    return pb.ExplainResponse(
        response=answer,
        channels=[
            pb.ChannelFunnel(channel="sequence", found=7, kept=6, shown=2),
            pb.ChannelFunnel(channel="content", failed=True),
        ],
        filters=[pb.FilterStep(filter="seen", reason="the user has seen it", removed=1, left_out=1, item_ids=["3"])],
        user_features=[
            pb.FeatureValue(
                name="region",
                value=pb.AttributeValue(text="north"),
                state=pb.FEATURE_STATE_PRESENT,
                age=Duration(seconds=7200),
            ),
            pb.FeatureValue(name="age", state=pb.FEATURE_STATE_EXPIRED, age=Duration(seconds=3 * 86_400)),
        ],
        history_item_ids=["9", "3"],
        seen_items=2,
        found=7,
        ranked=6,
        items=[
            _explained_item("1", "Alpha", place=1, recall_place=4, score_place=1),
            _explained_item("2", "Beta", place=2, recall_place=1, score_place=5),
            pb.ItemExplanation(
                item_id="3",
                title="Gamma",
                outcome=pb.OUTCOME_REMOVED,
                removed_by="seen",
                recall_place=2,
                channels=[pb.ChannelHit(channel="sequence", score=0.25)],
                features=[
                    pb.FeatureValue(name="pages", value=pb.AttributeValue(number=0.5)),
                    pb.FeatureValue(name="year", value=pb.AttributeValue(number=0.0)),
                ],
            ),
        ],
        degradations=[pb.Degradation(stage=pb.STAGE_CANDIDATE_FEATURES, reason=pb.DEGRADATION_REASON_DEADLINE)],
    )


def _explained_item(item_id: str, title: str, *, place: int, recall_place: int, score_place: int) -> pb.ItemExplanation:
    return pb.ItemExplanation(
        item_id=item_id,
        title=title,
        outcome=pb.OUTCOME_SHOWN,
        score=1.5,
        channels=[pb.ChannelHit(channel="sequence", score=0.25)],
        objectives=[
            pb.ObjectiveExplanation(
                objective="like",
                score=1.5,
                baseline=0.25,
                contributions=[
                    pb.Contribution(group="user_features", value=0.75),
                    pb.Contribution(group="history", value=1.0),
                    pb.Contribution(group="item_features", value=-0.5),
                ],
            )
        ],
        place=place,
        recall_place=recall_place,
        score_place=score_place,
        because=[
            pb.HistoryReason(item_id="9", title="Iota", value=0.75),
            pb.HistoryReason(item_id="3", title="Gamma", value=0.5),
            pb.HistoryReason(item_id="8", title="Theta", value=0.25),
        ],
    )


def serving(gateway: FakeGateway, port: int = 0) -> AbstractAsyncContextManager[str]:
    """Serves `gateway` on a port of loopback, a free one when 0; gives the address."""
    return fake_server(partial(add_GatewayServiceServicer_to_server, gateway), port)
