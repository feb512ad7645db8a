"""IngestEvents: a stream of batches, each durable before the next is read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest

from shared.status import error_info
from tests.contract.feature_store.calls import event, history_of, recorded_of
from tests.contract.feature_store.serving import SERVICE, Serving, serving
from tests.in_process import assert_refused
from winnow.feature_store.v1 import feature_store_service_pb2 as pb


def batch(*events: pb.Event) -> pb.IngestEventsRequest:
    """Returns one message of a stream."""
    return pb.IngestEventsRequest(events=events)


def recorded_messages(error: grpc.aio.AioRpcError) -> str:
    """Returns how many messages were recorded, as a failed stream says."""
    info = error_info(error)
    assert info is not None
    return str(info.metadata["recorded_messages"])


async def test_every_event_of_the_stream_is_recorded(store: Serving) -> None:
    """Once each, whatever message it is in; the answer counts them."""
    stream = [batch(event(f"{number}"), event(f"{number + 1}")) for number in range(5)]
    answer = await store.stub.IngestEvents(iter(stream))
    assert answer == pb.IngestEventsResponse(recorded=6, duplicates=4, messages=5)
    assert await recorded_of(store, "u") == 6


async def test_a_stream_without_messages_is_answered(store: Serving) -> None:
    """There was nothing to record."""
    assert await store.stub.IngestEvents(iter([])) == pb.IngestEventsResponse()


async def test_a_message_is_visible_before_the_stream_ends(store: Serving) -> None:
    """What is recorded is served at once, as by RecordEvents."""
    call = store.stub.IngestEvents()
    await call.write(batch(event("1")))
    while not await history_of(store, "u"):
        pass
    await call.write(batch(event("2")))
    await call.done_writing()
    assert (await call).recorded == 2


@pytest.mark.parametrize("bad", [batch(event("3"), event("")), batch()])
async def test_a_bad_message_ends_the_stream_and_says_what_is_recorded(
    store: Serving, bad: pb.IngestEventsRequest
) -> None:
    """The messages before it stay; of it, and of those after it, nothing is recorded."""

    async def stream() -> AsyncIterator[pb.IngestEventsRequest]:
        for message in (batch(event("1")), batch(event("2")), bad, batch(event("4"))):
            yield message

    call = store.stub.IngestEvents(stream())
    await assert_refused(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert recorded_messages(caught.value) == "2"
    assert await recorded_of(store, "u") == 2


async def test_bytes_that_are_no_message_end_the_stream(store: Serving) -> None:
    """The fault is in the request, not in the service."""
    method: Any = store.channel.stream_unary(f"/{SERVICE}/IngestEvents")
    good = batch(event("1")).SerializeToString()
    call = method(iter([good, b"\xff\xff\xff"]))
    await assert_refused(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", "request")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert recorded_messages(caught.value) == "1"


async def test_a_full_store_ends_the_stream_and_says_what_is_recorded(tmp_path: Path, snapshots: Path) -> None:
    """So that the caller knows where to go on."""
    async with serving(tmp_path, snapshots, max_bytes=1 << 20) as store:
        large = batch(*(event(f"{number}", "x" * 250, user_id=f"{number}") for number in range(5_000)))
        call = store.stub.IngestEvents(iter([batch(event("1")), large]))
        await assert_refused(call, grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert recorded_messages(caught.value) == "1"


async def test_streams_wait_where_requests_are_refused(tmp_path: Path, snapshots: Path) -> None:
    """With room for few events, many streams are all recorded: they are slowed down instead of refused."""

    async def send(store: Serving, name: str) -> pb.IngestEventsResponse:
        messages: Sequence[pb.IngestEventsRequest] = [
            batch(*(event(f"{name}-{part}-{number}", user_id=name) for number in range(20))) for part in range(5)
        ]
        return await store.stub.IngestEvents(iter(messages))

    async with serving(tmp_path, snapshots, max_queued_events=25) as store:
        answers = await asyncio.gather(*(send(store, f"u{number}") for number in range(20)))
    assert [answer.recorded for answer in answers] == [100] * 20
