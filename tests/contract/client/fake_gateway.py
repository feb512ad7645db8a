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

    def status(self) -> grpc.Status:
        """The status as gRPC sends it."""
        details = []
        if self.reason:
            detail = any_pb2.Any()
            metadata = {"field": self.field} if self.field else {}
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
    """Remembers what it was asked; each call uses up one of `outcomes`, and succeeds when there are none left."""

    def __init__(self) -> None:
        self.outcomes: deque[Refusal | Stall] = deque()
        self.received: list[Any] = []
        self.degradations: list[pb.Degradation] = []
        self.items = [recommended_item("1", "Alpha"), recommended_item("2", "Beta")]

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

    async def _answer(self, request: Any, context: Any, response: _Response) -> _Response:
        self.received.append(request)
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


def serving(gateway: FakeGateway) -> AbstractAsyncContextManager[str]:
    """Serves `gateway` on a free port of loopback; gives the address."""
    return fake_server(partial(add_GatewayServiceServicer_to_server, gateway))
