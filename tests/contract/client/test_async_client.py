"""What the clients do on the wire, against a real server in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import grpc
import pytest

from tests.contract.client.fake_gateway import FakeGateway, Refusal, Stall, serving
from tests.contract.door import Door, standing
from winnow.client import (
    AsyncWinnowClient,
    ChannelHit,
    DeadlineExceeded,
    Degradation,
    Event,
    Filter,
    InvalidArgument,
    Item,
    NotFound,
    Overloaded,
    StageTiming,
    Unavailable,
    UpsertResult,
    WinnowError,
    WithdrawResult,
)
from winnow.gateway.v1 import gateway_service_pb2 as pb

UNAVAILABLE = Refusal(grpc.StatusCode.UNAVAILABLE)


async def test_an_answer_arrives_as_a_frozen_value() -> None:
    """Items, snapshot, degradations and timings are read from the message, enums as words."""
    gateway = FakeGateway()
    gateway.degradations = [
        pb.Degradation(stage=pb.STAGE_RANKING, reason=pb.DEGRADATION_REASON_DEADLINE),
        pb.Degradation(stage=pb.STAGE_RECALL, reason=pb.DEGRADATION_REASON_ERROR, channel="content"),
    ]
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        result = await client.recommend("u", request_id="mine")
    assert [item.title for item in result.items] == ["Alpha", "Beta"]
    assert result.items[0].categories == ("Comedy", "Drama")
    assert result.items[0].objective_scores == {"like": 1.5}
    assert result.items[0].channels == (ChannelHit("sequence", 0.25),)
    assert (result.snapshot_id, result.request_id, result.experiment_arm) == ("snapshot-1", "mine", "control")
    assert result.degradations == (Degradation("ranking", "deadline", ""), Degradation("recall", "error", "content"))
    assert result.timings == (StageTiming("recall", 0.0025),)
    assert result.known_user is True


async def test_every_option_reaches_the_gateway() -> None:
    """Each keyword becomes the field of the contract that it names."""
    gateway = FakeGateway()
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        await client.recommend(
            "u",
            max_results=3,
            exclude_item_ids=["7"],
            filters=[Filter("category", ("Comedy", "Drama")), Filter("year", ("1999",), exclude=True)],
            session_item_ids=["8", "9"],
            user_attributes={"region": "north", "age": 31},
            objective_weights={"like": 2.0},
            diversity=0.0,
            include_seen=True,
        )
    assert gateway.received == [
        pb.RecommendRequest(
            user_id="u",
            max_results=3,
            exclude_item_ids=["7"],
            filters=[
                pb.AttributeFilter(field="category", any_of=["Comedy", "Drama"]),
                pb.AttributeFilter(field="year", any_of=["1999"], exclude=True),
            ],
            session_item_ids=["8", "9"],
            user_attributes={"region": pb.AttributeValue(text="north"), "age": pb.AttributeValue(number=31)},
            objective_weights={"like": 2.0},
            diversity=0.0,
            include_seen=True,
        )
    ]


async def test_diversity_is_unset_unless_given() -> None:
    """The server's default applies where the caller says nothing."""
    gateway = FakeGateway()
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        await client.recommend("u")
    assert not gateway.received[0].HasField("diversity")


async def test_events_are_recorded_with_their_ids_types_and_times() -> None:
    """An event keeps its id and time; one without an id gets one of its own."""
    gateway = FakeGateway()
    when = datetime(2026, 11, 21, 12, tzinfo=UTC)
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        result = await client.record([Event("u", "1", "purchase", "e1", when), Event("u", "2")], request_id="mine")
    assert (result.recorded, result.duplicates) == (1, 1)
    first, second = gateway.received[0].events
    assert (first.event_id, first.type, first.occurred_at.ToDatetime(UTC)) == ("e1", pb.EVENT_TYPE_PURCHASE, when)
    assert (second.type, second.HasField("occurred_at")) == (pb.EVENT_TYPE_VIEW, False)
    assert len(second.event_id) == 32
    assert gateway.received[0].request_id == "mine"


async def test_similar_items_need_no_user() -> None:
    """A result about an item does not claim to know whether a user is known."""
    gateway = FakeGateway()
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        result = await client.recommend_similar("9", max_results=2, exclude_item_ids=["1"])
    assert gateway.received == [pb.RecommendSimilarRequest(item_id="9", max_results=2, exclude_item_ids=["1"])]
    assert result.known_user is None


async def test_an_unavailable_gateway_is_asked_again() -> None:
    """UNAVAILABLE is retried, and the caller sees the answer alone."""
    gateway = FakeGateway()
    gateway.outcomes.extend([UNAVAILABLE, UNAVAILABLE])
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        result = await client.recommend("u")
    assert len(result.items) == 2
    assert len(gateway.received) == 3


async def test_retries_come_to_an_end() -> None:
    """After five attempts the caller is told."""
    gateway = FakeGateway()
    gateway.outcomes.extend([UNAVAILABLE] * 10)
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        with pytest.raises(Unavailable):
            await client.recommend("u")
    assert len(gateway.received) == 5


async def test_the_first_call_after_the_gateway_is_back_succeeds() -> None:
    """However long it was away: retries go on for longer than the client waits before it connects again."""
    door = Door()
    async with AsyncExitStack() as stack:
        async with standing(door):
            client = await stack.enter_async_context(AsyncWinnowClient(door.target))
            with pytest.raises(Unavailable):
                await client.recommend("u")
            await door.reached(6)  # the pause after a connection that fails is at its longest by now, and begins anew
        async with serving(FakeGateway(), door.port):
            assert (await client.recommend("u")).items


async def test_a_gateway_that_greets_late_is_waited_for() -> None:
    """A busy one, or one at the other end of the world: a connection is not given up to be made anew."""
    async with (
        serving(FakeGateway()) as server,
        standing(Door(behind=server)) as door,
        AsyncWinnowClient(door.target, timeout=60.0) as client,
    ):
        asked = asyncio.create_task(client.recommend("u"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(door.reached(2), 1.0)
        door.opened.set()
        assert (await asked).items


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, InvalidArgument),
        (grpc.StatusCode.NOT_FOUND, NotFound),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Overloaded),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineExceeded),
        (grpc.StatusCode.INTERNAL, WinnowError),
        (grpc.StatusCode.ABORTED, WinnowError),
    ],
)
async def test_no_other_status_is_retried(code: grpc.StatusCode, kind: type[WinnowError]) -> None:
    """Every status but UNAVAILABLE is raised after one attempt, as the class that stands for it."""
    gateway = FakeGateway()
    gateway.outcomes.append(Refusal(code))
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        with pytest.raises(WinnowError) as caught:
            await client.recommend("u")
    assert type(caught.value) is kind
    assert caught.value.code is code
    assert caught.value.reason == ""
    assert len(gateway.received) == 1


async def test_an_error_carries_the_reason_and_the_field() -> None:
    """What the server attached as ErrorInfo is there for a program to read."""
    gateway = FakeGateway()
    gateway.outcomes.append(
        Refusal(grpc.StatusCode.INVALID_ARGUMENT, "diversity must be at most 1", "INVALID_ARGUMENT", "diversity")
    )
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        with pytest.raises(InvalidArgument, match="diversity must be at most 1") as caught:
            await client.recommend("u", diversity=3)
    assert (caught.value.reason, caught.value.field) == ("INVALID_ARGUMENT", "diversity")


async def test_a_stalled_gateway_meets_the_deadline() -> None:
    """A call does not wait longer than its timeout."""
    gateway = FakeGateway()
    stall = Stall(asyncio.Event(), asyncio.Event())
    gateway.outcomes.append(stall)
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        with pytest.raises(DeadlineExceeded):
            await client.recommend("u", timeout=0.05)
        assert stall.begun.is_set()


async def test_calls_are_balanced_over_all_addresses() -> None:
    """Two gateways behind one target share the calls equally once both are connected."""
    first, second = FakeGateway(), FakeGateway()
    async with serving(first) as one, serving(second) as other, AsyncWinnowClient(f"ipv4:{one},{other}") as client:
        async with asyncio.timeout(10):
            while not (first.received and second.received):  # the second address may connect a little later
                await client.recommend("u")
        before = len(first.received), len(second.received)
        for _ in range(10):
            await client.recommend("u")
    assert (len(first.received) - before[0], len(second.received) - before[1]) == (5, 5)


async def test_an_address_that_nobody_listens_on_is_unavailable() -> None:
    """The caller gets an error of the tree, not one of gRPC's."""
    async with serving(FakeGateway()) as target:
        pass
    async with AsyncWinnowClient(target) as client:
        with pytest.raises(Unavailable):
            await client.recommend("u")


async def test_events_are_streamed_from_either_kind_of_source() -> None:
    """From a list and from what is awaited, a thousand in a message."""
    gateway = FakeGateway()
    events = [Event("u", "1", event_id=str(number)) for number in range(1001)]

    async def coming() -> AsyncIterator[Event]:
        for event in events:
            yield event

    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        for source in (events, coming()):
            result = await client.ingest(source)
            assert (result.recorded, result.duplicates, result.messages) == (1000, 1, 2)
    assert [len(message.events) for message in gateway.received] == [1000, 1, 1000, 1]


async def test_a_stream_that_ends_early_tells_how_much_is_on_disk() -> None:
    """In messages of a thousand; the sender may go on from there."""
    gateway = FakeGateway()
    gateway.outcomes += [Stall(asyncio.Event(), asyncio.Event())]  # the first message is taken
    gateway.outcomes.append(Refusal(grpc.StatusCode.INVALID_ARGUMENT, "bad", "INVALID_ARGUMENT", "events[0].item_id"))
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        with pytest.raises(InvalidArgument) as refused:
            await client.ingest(Event("u", "1", event_id=str(number)) for number in range(5000))
    assert (refused.value.recorded_messages, refused.value.field) == (1, "events[0].item_id")


async def test_a_source_that_fails_is_heard() -> None:
    """Its own error is raised, and not that the call was cancelled."""

    async def broken() -> AsyncIterator[Event]:
        yield Event("u", "1")
        raise RuntimeError("the queue is gone")

    async with serving(FakeGateway()) as target, AsyncWinnowClient(target) as client:
        with pytest.raises(RuntimeError, match="the queue is gone"):
            await client.ingest(broken())


async def test_items_are_written() -> None:
    """As by the blocking client; a catalogue that takes no more says so by its reason."""
    gateway = FakeGateway()
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        assert await client.upsert_items([Item("b-1", "One")]) == UpsertResult(0, 1, "r")
        assert await client.withdraw_items(["b-1", "b-2"]) == WithdrawResult(1, "r")
        gateway.outcomes.append(Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", "TOO_MANY_LIVE_ITEMS"))
        with pytest.raises(Overloaded) as refused:
            await client.upsert_items([Item("b-1", "One")])
    assert refused.value.reason == "TOO_MANY_LIVE_ITEMS"
