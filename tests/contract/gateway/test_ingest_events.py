"""IngestEvents passes each message on when the one before is on disk, and says how far it came."""

import asyncio
from typing import Any

import grpc
import pytest

from shared.errors import Unavailable
from shared.status import error_info
from tests.contract.gateway.conftest import Suite
from tests.contract.gateway.neighbours import refuses
from winnow.feature_store.v1 import feature_store_service_pb2 as feature_store_pb
from winnow.gateway.v1 import gateway_service_pb2 as pb


def message(number: int, item_id: str = "item-00001") -> pb.IngestEventsRequest:
    """A message of two events that are fine."""
    return pb.IngestEventsRequest(
        events=[
            pb.Event(event_id=f"e{number}-{i}", user_id="ann", item_id=item_id, type=pb.EVENT_TYPE_VIEW)
            for i in range(2)
        ]
    )


async def ended(call: Any) -> tuple[grpc.StatusCode, str, str]:
    """Returns how a call failed: status, the field that was refused, and how many messages were recorded."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    detail = error_info(failed.value)
    assert detail is not None
    return failed.value.code(), detail.metadata["field"], detail.metadata["recorded_messages"]


async def test_a_stream_is_answered_once_with_all_counts(suite: Suite) -> None:
    """Message by message to the store, whose counts are added up."""
    response = await suite.stub.IngestEvents(map(message, range(3)), timeout=60)
    assert (response.recorded, response.duplicates, response.messages) == (3, 3, 3)
    sent = [request.events[0].event_id for method, request in suite.neighbours.calls if method == "RecordEvents"]
    assert sent == ["e0-0", "e1-0", "e2-0"]


async def test_an_empty_stream_records_nothing(suite: Suite) -> None:
    """It is no error: there was nothing to record."""
    response = await suite.stub.IngestEvents(iter(()), timeout=60)
    assert (response.recorded, response.messages) == (0, 0)


async def test_the_next_message_waits_for_the_one_before(suite: Suite) -> None:
    """While the store has not answered, it is asked nothing more."""
    arrived, released = asyncio.Event(), asyncio.Event()

    async def holds(request: Any, _context: Any) -> Any:
        arrived.set()
        await released.wait()
        return feature_store_pb.RecordEventsResponse(recorded=len(request.events))

    suite.neighbours.behaviours["RecordEvents"] = holds
    call = suite.stub.IngestEvents(map(message, range(4)), timeout=60)
    await arrived.wait()
    assert suite.neighbours.methods.count("RecordEvents") == 1
    released.set()
    assert (await call).messages == 4


async def test_a_bad_message_ends_the_stream_and_says_how_many_are_on_disk(suite: Suite) -> None:
    """The field is named as in RecordEvents; what came before stays recorded."""
    call = suite.stub.IngestEvents(iter([message(0), message(1), message(2, item_id="unknown")]), timeout=60)
    assert await ended(call) == (grpc.StatusCode.INVALID_ARGUMENT, "events[0].item_id", "2")
    assert suite.neighbours.methods.count("RecordEvents") == 2


async def test_a_failure_of_the_store_ends_the_stream_and_says_how_many_are_on_disk(suite: Suite) -> None:
    """The sender may go on from there, or repeat all of it."""

    async def takes_one(request: Any, _context: Any) -> Any:
        suite.neighbours.behaviours["RecordEvents"] = refuses(Unavailable("draining"))
        return feature_store_pb.RecordEventsResponse(recorded=len(request.events))

    suite.neighbours.behaviours["RecordEvents"] = takes_one
    assert await ended(suite.stub.IngestEvents(map(message, range(3)), timeout=60)) == (
        grpc.StatusCode.UNAVAILABLE,
        "",
        "1",
    )


async def test_a_message_that_cannot_be_parsed_is_refused(suite: Suite) -> None:
    """As in a call with one request: the fault is in the request."""
    method: Any = suite.channel.stream_unary("/winnow.gateway.v1.GatewayService/IngestEvents")
    sent = iter([message(0).SerializeToString(), b"\xff\xff"])
    assert await ended(method(sent, timeout=60)) == (grpc.StatusCode.INVALID_ARGUMENT, "request", "1")
