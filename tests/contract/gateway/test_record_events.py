"""RecordEvents passes the batch on whole, and what the feature store cannot do has a documented status."""

import time

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from shared.errors import Overloaded, StorageFull, Unavailable
from shared.status import error_info
from tests.contract.gateway.conftest import StartSuite, Suite
from tests.contract.gateway.neighbours import Behaviour, fails, hangs, refuses
from winnow.feature_store.v1 import feature_store_service_pb2 as feature_store_pb
from winnow.gateway.v1 import gateway_service_pb2 as pb


def batch(count: int = 1) -> pb.RecordEventsRequest:
    """Events that are fine."""
    return pb.RecordEventsRequest(
        events=[
            pb.Event(event_id=f"e{i}", user_id="ann", item_id=f"item-{i:05d}", type=pb.EVENT_TYPE_LIKE)
            for i in range(count)
        ],
        request_id="r-1",
    )


async def test_a_batch_is_passed_on_in_one_call(suite: Suite) -> None:
    """Event by event, and the store's counts are the answer."""
    request = batch(3)
    request.events[1].occurred_at.CopyFrom(Timestamp(seconds=1_700_000_000, nanos=5_000_000))
    response = await suite.stub.RecordEvents(request, timeout=60)
    assert (response.recorded, response.duplicates, response.request_id) == (2, 1, "r-1")
    forwarded = suite.neighbours.request_of("RecordEvents").events
    assert forwarded[1] == feature_store_pb.Event(
        event_id="e1",
        user_id="ann",
        item_id="item-00001",
        type=feature_store_pb.EVENT_TYPE_LIKE,
        occurred_at_ms=1_700_000_000_005,
    )
    assert suite.neighbours.request_ids == ["r-1"]


@pytest.mark.parametrize("name", [name for name, number in pb.EventType.items() if number])
async def test_each_type_keeps_its_meaning(suite: Suite, name: str) -> None:
    """A dislike must not become a like on the way."""
    request = batch()
    request.events[0].type = pb.EventType.Value(name)
    request.events[0].dwell_seconds = 2.5 if name == "EVENT_TYPE_DWELL" else 0.0
    request.events[0].shown_by_request_id = "r-0"
    await suite.stub.RecordEvents(request, timeout=60)
    (event,) = suite.neighbours.request_of("RecordEvents").events
    assert feature_store_pb.EventType.Name(event.type) == name
    assert (event.dwell_seconds, event.shown_by_request_id) == (request.events[0].dwell_seconds, "r-0")


async def test_an_event_without_a_time_happened_when_it_was_received(suite: Suite) -> None:
    """Between the moments before and after the call."""
    before = time.time_ns() // 1_000_000
    await suite.stub.RecordEvents(batch(), timeout=60)
    (event,) = suite.neighbours.request_of("RecordEvents").events
    assert before <= event.occurred_at_ms <= time.time_ns() // 1_000_000


@pytest.mark.parametrize(
    ("behaviour", "code", "reason"),
    [
        (refuses(Unavailable("draining")), grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"),
        (fails(grpc.StatusCode.INTERNAL), grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"),
        (refuses(Overloaded("busy")), grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
        (refuses(StorageFull("full")), grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL"),
    ],
)
async def test_the_stores_failure_has_a_documented_status(
    suite: Suite, behaviour: Behaviour, code: grpc.StatusCode, reason: str
) -> None:
    """Never INTERNAL, and with the reason that a program can act on."""
    suite.neighbours.behaviours["RecordEvents"] = behaviour
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await suite.stub.RecordEvents(batch(), timeout=60)
    detail = error_info(failed.value)
    assert detail is not None
    assert (failed.value.code(), detail.reason) == (code, reason)


async def test_a_store_that_does_not_answer_is_unavailable(start_suite: StartSuite) -> None:
    """The caller set no deadline that could have passed, and may repeat the call."""
    suite = await start_suite(record_events_budget_ms=50)
    suite.neighbours.behaviours["RecordEvents"] = hangs
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await suite.stub.RecordEvents(batch())
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_the_callers_deadline_ends_the_wait(suite: Suite) -> None:
    """DEADLINE_EXCEEDED, when the store takes longer than the caller waits."""
    suite.neighbours.behaviours["RecordEvents"] = hangs
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await suite.stub.RecordEvents(batch(), timeout=0.1)
    assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
