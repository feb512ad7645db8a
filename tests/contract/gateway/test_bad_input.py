"""A request that breaks a limit is refused with INVALID_ARGUMENT naming the field, and nothing is passed on."""

from typing import Any

import grpc
import pytest

from shared.status import error_info
from tests.contract.gateway.conftest import Suite
from tests.unit.gateway.bad_requests import (
    BAD_EVENT,
    BAD_EVENT_COUNTS,
    BAD_EXPLAIN,
    BAD_ITEM,
    BAD_ITEM_COUNTS,
    BAD_RECOMMEND,
    BAD_SIMILAR,
    BAD_WITHDRAWN,
)
from winnow.gateway.v1 import gateway_service_pb2 as pb

METHODS = {
    pb.RecommendRequest: "Recommend",
    pb.RecommendSimilarRequest: "RecommendSimilar",
    pb.RecordEventsRequest: "RecordEvents",
    pb.UpsertItemsRequest: "UpsertItems",
    pb.WithdrawItemsRequest: "WithdrawItems",
    pb.ExplainRequest: "Explain",
    pb.ForgetUserRequest: "ForgetUser",
}


def events(count: int = 1, **changes: Any) -> pb.RecordEventsRequest:
    """Events that are fine but for the changes."""
    fine: dict[str, Any] = {"event_id": "e", "user_id": "ann", "item_id": "item-00001", "type": pb.EVENT_TYPE_VIEW}
    return pb.RecordEventsRequest(events=[pb.Event(**fine | changes)] * count)


def upsert(count: int = 1, **changes: Any) -> pb.UpsertItemsRequest:
    """The same item several times, which is fine but for the changes."""
    return pb.UpsertItemsRequest(items=[pb.Item(**{"item_id": "new", "title": "New"} | changes)] * count)


def explain(**changes: Any) -> pb.ExplainRequest:
    """A request to explain an answer."""
    return pb.ExplainRequest(request=pb.RecommendRequest(**changes))


BAD_REQUESTS: list[tuple[Any, str]] = [
    *((pb.RecommendRequest(**changes), field) for changes, field in BAD_RECOMMEND),
    *((pb.RecommendSimilarRequest(**{"item_id": "item-00001"} | changes), field) for changes, field in BAD_SIMILAR),
    *((events(**changes), f"events[0].{field}") for changes, field in BAD_EVENT),
    *((events(count), "events") for count in BAD_EVENT_COUNTS),
    (pb.ForgetUserRequest(), "user_id"),
    (pb.ForgetUserRequest(user_id="x" * 257), "user_id"),
    *((upsert(**changes), f"items[0].{field}") for changes, field in BAD_ITEM),
    *((upsert(count), "items") for count in BAD_ITEM_COUNTS),
    (upsert(2), "items[1].item_id"),
    *((pb.WithdrawItemsRequest(item_ids=item_ids), field) for item_ids, field in BAD_WITHDRAWN),
    *((explain(**changes), f"request.{field}") for changes, field in BAD_RECOMMEND),
    *((pb.ExplainRequest(**changes), field) for changes, field in BAD_EXPLAIN),
    *((kind(request_id="x" * 129), "request_id") for kind in METHODS if kind is not pb.ExplainRequest),
    *((kind(request_id="a\n"), "request_id") for kind in METHODS if kind is not pb.ExplainRequest),
    (explain(request_id="a\n"), "request.request_id"),
]


async def refusal(suite: Suite, method: str, request: bytes) -> grpc.aio.AioRpcError:
    """How a call with these bytes fails."""
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = suite.channel.unary_unary(
        f"/winnow.gateway.v1.GatewayService/{method}"
    )
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call(request, timeout=60)
    return refused.value


@pytest.mark.parametrize(
    ("request_", "field"), BAD_REQUESTS, ids=[f"{METHODS[type(bad)]}-{field}" for bad, field in BAD_REQUESTS]
)
async def test_the_field_is_named_and_nothing_is_passed_on(suite: Suite, request_: Any, field: str) -> None:
    """The status, the ErrorInfo, and no neighbour called."""
    refused = await refusal(suite, METHODS[type(request_)], request_.SerializeToString())
    detail = error_info(refused)
    assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert detail is not None
    assert (detail.domain, detail.reason, detail.metadata["field"]) == ("winnow", "INVALID_ARGUMENT", field)
    assert suite.neighbours.calls == []


@pytest.mark.parametrize("method", METHODS.values())
async def test_bytes_that_are_no_message_are_refused(suite: Suite, method: str) -> None:
    """The fault is the caller's, so it is not INTERNAL."""
    refused = await refusal(suite, method, b"\xff\xff\xff")
    assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert suite.neighbours.calls == []


@pytest.mark.parametrize("method", METHODS.values())
async def test_a_message_over_four_mebibytes_is_refused(suite: Suite, method: str) -> None:
    """RESOURCE_EXHAUSTED, before it is read."""
    refused = await refusal(suite, method, b"\0" * (4 * 1024 * 1024 + 1))
    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert suite.neighbours.calls == []
