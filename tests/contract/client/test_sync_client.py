"""The blocking client: the same contract, called from a thread."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import grpc
import pytest

from tests.contract.client.fake_gateway import FakeGateway, Refusal, Stall, serving
from winnow.client import (
    DeadlineExceeded,
    Event,
    ForgetResult,
    IngestResult,
    Item,
    NotFound,
    RecommendResult,
    RecordResult,
    UpsertResult,
    WinnowClient,
    WithdrawResult,
)
from winnow.gateway.v1 import gateway_service_pb2 as pb


def recommend(target: str) -> RecommendResult:
    """Calls as a program without an event loop would."""
    with WinnowClient(target) as client:
        return client.recommend("u", max_results=4)


async def test_it_recommends_and_retries() -> None:
    """A gateway that is unavailable once does not show."""
    gateway = FakeGateway()
    gateway.outcomes.append(Refusal(grpc.StatusCode.UNAVAILABLE))
    async with serving(gateway) as target:
        result = await asyncio.to_thread(recommend, target)
    assert [item.item_id for item in result.items] == ["1", "2"]
    assert gateway.received == [pb.RecommendRequest(user_id="u", max_results=4)] * 2


async def test_it_raises_the_same_errors() -> None:
    """A status becomes an exception of the tree, with its reason and field."""
    gateway = FakeGateway()
    gateway.outcomes.append(Refusal(grpc.StatusCode.NOT_FOUND, "item_id is unknown", "NOT_FOUND", "item_id"))

    def similar(target: str) -> None:
        with WinnowClient(target) as client:
            client.recommend_similar("nothing")

    async with serving(gateway) as target:
        with pytest.raises(NotFound, match="item_id is unknown") as caught:
            await asyncio.to_thread(similar, target)
    assert (caught.value.reason, caught.value.field) == ("NOT_FOUND", "item_id")


async def test_it_forgets_a_user() -> None:
    """The receipt comes back, places with nothing too."""
    gateway = FakeGateway()

    def forget(target: str) -> ForgetResult:
        with WinnowClient(target) as client:
            return client.forget_user("u", request_id="r-1")

    async with serving(gateway) as target:
        receipt = await asyncio.to_thread(forget, target)
    assert gateway.received == [pb.ForgetUserRequest(user_id="u", request_id="r-1")]
    assert receipt == ForgetResult({"history": 2, "counters": 0}, datetime.fromtimestamp(1_700_000_000, UTC), "r")


async def test_it_records_events() -> None:
    """Events arrive, and the counts come back."""
    gateway = FakeGateway()

    def record(target: str) -> RecordResult:
        with WinnowClient(target) as client:
            return client.record([Event("u", "1", event_id="a"), Event("u", "1", event_id="a")])

    async with serving(gateway) as target:
        result = await asyncio.to_thread(record, target)
    assert (result.recorded, result.duplicates) == (1, 1)


async def test_it_keeps_its_deadline() -> None:
    """The client's own timeout holds where a call names none."""
    gateway = FakeGateway()
    gateway.outcomes.append(Stall(asyncio.Event(), asyncio.Event()))

    def recommend_soon(target: str) -> None:
        with WinnowClient(target, timeout=0.05) as client:
            client.recommend("u")

    async with serving(gateway) as target, asyncio.timeout(20):
        with pytest.raises(DeadlineExceeded):
            await asyncio.to_thread(recommend_soon, target)


async def test_it_streams_events_as_they_come() -> None:
    """A thousand in a message, in their order."""
    gateway = FakeGateway()

    def ingest(target: str) -> IngestResult:
        with WinnowClient(target) as client:
            return client.ingest(Event("u", "1", event_id=str(number)) for number in range(2500))

    async with serving(gateway) as target:
        result = await asyncio.to_thread(ingest, target)
    assert (result.recorded, result.duplicates, result.messages) == (2499, 1, 3)
    sent = [event.event_id for message in gateway.received for event in message.events]
    assert sent == [str(number) for number in range(2500)]
    assert [len(message.events) for message in gateway.received] == [1000, 1000, 500]


async def test_a_stream_whose_source_fails_raises_what_the_source_raised() -> None:
    """Rather than that gRPC was cancelled."""

    def ingest(target: str) -> None:
        with WinnowClient(target) as client:
            client.ingest([Event("u", "1", occurred_at=datetime(2026, 1, 1))])

    async with serving(FakeGateway()) as target:
        with pytest.raises(ValueError, match="time zone"):
            await asyncio.to_thread(ingest, target)


async def test_it_writes_items() -> None:
    """Items arrive with all that is said of them, and the counts come back."""
    gateway = FakeGateway()
    item = Item("b-1", "One", ("Fantasy",), {"year": 1964, "format": "paper"}, "Words.")

    def write(target: str) -> tuple[UpsertResult, WithdrawResult]:
        with WinnowClient(target) as client:
            return client.upsert_items([item, Item("b-2", "Two")], request_id="mine"), client.withdraw_items(
                ["b-3", "x"]
            )

    async with serving(gateway) as target:
        upserted, withdrawn = await asyncio.to_thread(write, target)
    assert (upserted, withdrawn) == (UpsertResult(1, 1, "r"), WithdrawResult(1, "r"))
    attributes = {"year": pb.AttributeValue(number=1964), "format": pb.AttributeValue(text="paper")}
    first = pb.Item(item_id="b-1", title="One", categories=["Fantasy"], attributes=attributes, text="Words.")
    assert gateway.received == [
        pb.UpsertItemsRequest(items=[first, pb.Item(item_id="b-2", title="Two")], request_id="mine"),
        pb.WithdrawItemsRequest(item_ids=["b-3", "x"]),
    ]
