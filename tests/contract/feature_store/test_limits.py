"""Every limit of the contract: what breaks it is refused by the name of its field, and changes nothing."""

import asyncio
import math
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message
from prometheus_client import REGISTRY

from tests.contract.feature_store.calls import (
    SNAPSHOT,
    array,
    attributes,
    event,
    item,
    items,
    record,
    recorded_of,
    users,
    write,
)
from tests.contract.feature_store.serving import Serving, serving
from tests.in_process import assert_refused
from tests.snapshot_factory import build_snapshot
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

LONG_ID = "é" * 128 + "x"  # 129 characters, 257 bytes
VIEW = pb.EVENT_TYPE_VIEW


def query(**fields: Any) -> pb.GetUsersRequest:
    """Returns a request for a good user and one with these fields."""
    return pb.GetUsersRequest(snapshot_id=SNAPSHOT, users=[pb.UserQuery(user_id="good"), pb.UserQuery(**fields)])


def bad_event(**fields: Any) -> pb.RecordEventsRequest:
    """Returns a request with a good event and one with these fields."""
    return record(event("good", user_id="good"), event(**fields))


def bad_import(**fields: Any) -> pb.ImportUsersRequest:
    """Returns a request with a good user and one with these fields."""
    return pb.ImportUsersRequest(users=[pb.ImportedUser(user_id="good"), pb.ImportedUser(**{"user_id": "u"} | fields)])


def rows(dtype: int = pb.DATA_TYPE_UINT32, shape: tuple[int, ...] = (1,), data: bytes = bytes(4)) -> pb.GetItemsRequest:
    """Returns a request for items by a tensor that is wrong."""
    tensor = pb.Tensor(dtype=dtype, shape=shape, data=data)  # type: ignore[arg-type]
    return pb.GetItemsRequest(snapshot_id=SNAPSHOT, rows=tensor)


NUMBERED: dict[str, str | float] = {f"a{number}": 1.0 for number in range(65)}

BAD_REQUESTS: list[tuple[Message, str]] = [
    (users("u", snapshot_id=""), "snapshot_id"),
    (users(), "users"),
    (users(*["u"] * 1_025), "users"),
    (users("u", max_history=1_001), "max_history"),
    (query(user_id=LONG_ID), "users[1].user_id"),
    (query(attributes=attributes({f"a{number}": 1.0 for number in range(33)})), "users[1].attributes"),
    (query(attributes=attributes({"n" * 65: 1.0})), "users[1].attributes"),
    (query(attributes=attributes({"": 1.0})), "users[1].attributes"),
    (query(attributes=attributes({"age": math.nan})), 'users[1].attributes["age"]'),
    (query(attributes=attributes({"age": -math.inf})), 'users[1].attributes["age"]'),
    (query(attributes=attributes({"gender": LONG_ID})), 'users[1].attributes["gender"]'),
    (query(attributes={"age": pb.AttributeValue()}), 'users[1].attributes["age"]'),
    (items([1], snapshot_id=""), "snapshot_id"),
    (items([200]), "rows"),
    (items([0] * 65_537), "rows"),
    (rows(dtype=pb.DATA_TYPE_UNSPECIFIED), "rows"),
    (rows(dtype=pb.DATA_TYPE_FLOAT32), "rows"),
    (rows(dtype=99), "rows"),
    (rows(shape=(1, 1)), "rows"),
    (rows(shape=(2,)), "rows"),
    (rows(data=bytes(5)), "rows"),
    (pb.GetItemsRequest(snapshot_id=SNAPSHOT), "rows"),
    (write([[1]], snapshot_id=""), "snapshot_id"),
    (write(np.zeros((0, 1)), []), "item_ids"),
    (write([[1]] * 10_001, [f"{number}" for number in range(10_001)]), "item_ids"),
    (write([[1], [1]], ["good", ""]), "item_ids[1]"),
    (write([[1], [1]], ["good", LONG_ID]), "item_ids[1]"),
    (write([[1], [1], [1]], ["good", "bad", "good"]), "item_ids[2]"),
    (write(np.zeros((1, 0)), ["good"], []), "feature_names"),
    (write([[1, 1]], ["good"], ["length", "colour"]), "feature_names[1]"),
    (write([[1, 1]], ["good"], ["length", ""]), "feature_names[1]"),
    (write([[1, 1]], ["good"], ["length", "length"]), "feature_names[1]"),
    (write([[1, 1]], ["good"]), "values"),
    (write([1], ["good"]), "values"),
    (write([[1], [math.nan]], ["good", "bad"]), "values"),
    (write([[1], [-math.inf]], ["good", "bad"]), "values"),
    (write([[1]], ["good"], at_ms=[]), "written_at_ms"),
    (write([[1]], ["good"], at_ms=[0, 0]), "written_at_ms"),
    (write([[1], [1]], ["good", "bad"], at_ms=[0, -1]), "written_at_ms[1]"),
    (write([[1], [1]], ["good", "bad"], at_ms=[0, 2**63 - 1]), "written_at_ms[1]"),
    (record(), "events"),
    (record(*[event()] * 10_001), "events"),
    (bad_event(event_id=""), "events[1].event_id"),
    (bad_event(event_id="é" * 64 + "x"), "events[1].event_id"),
    (bad_event(user_id=""), "events[1].user_id"),
    (bad_event(user_id=LONG_ID), "events[1].user_id"),
    (bad_event(item_id=""), "events[1].item_id"),
    (bad_event(item_id=LONG_ID), "events[1].item_id"),
    (bad_event(type=pb.EVENT_TYPE_UNSPECIFIED), "events[1].type"),
    (bad_event(type=8), "events[1].type"),
    (bad_event(type=pb.EVENT_TYPE_DWELL), "events[1].dwell_seconds"),
    (bad_event(type=pb.EVENT_TYPE_DWELL, dwell_seconds=86_401), "events[1].dwell_seconds"),
    (bad_event(type=pb.EVENT_TYPE_DWELL, dwell_seconds=float("nan")), "events[1].dwell_seconds"),
    (bad_event(dwell_seconds=1), "events[1].dwell_seconds"),
    (bad_event(shown_by_request_id="x" * 129), "events[1].shown_by_request_id"),
    (bad_event(type=-1), "events[1].type"),
    (bad_event(occurred_at_ms=-1), "events[1].occurred_at_ms"),
    (pb.ImportUsersRequest(), "users"),
    (pb.ImportUsersRequest(users=[pb.ImportedUser(user_id="u")] * 1_025), "users"),
    (bad_import(user_id=""), "users[1].user_id"),
    (bad_import(user_id=LONG_ID), "users[1].user_id"),
    (bad_import(attributes=attributes(NUMBERED)), "users[1].attributes"),
    (bad_import(attributes=attributes({"n" * 65: 1.0})), "users[1].attributes"),
    (bad_import(attributes=attributes({"age": math.nan})), 'users[1].attributes["age"]'),
    (bad_import(attributes={"age": pb.AttributeValue()}), 'users[1].attributes["age"]'),
    (bad_import(item_ids=["i"] * 20_001, occurred_at_ms=[0] * 20_001), "users[1].item_ids"),
    (bad_import(item_ids=["i", ""], occurred_at_ms=[0, 0]), "users[1].item_ids[1]"),
    (bad_import(item_ids=["i", LONG_ID], occurred_at_ms=[0, 0]), "users[1].item_ids[1]"),
    (bad_import(item_ids=["i", "i"], occurred_at_ms=[0]), "users[1].occurred_at_ms"),
    (bad_import(item_ids=["i", "i"], occurred_at_ms=[0, -1]), "users[1].occurred_at_ms[1]"),
    (bad_import(item_ids=["i"] * 3, occurred_at_ms=[0] * 3, types=[VIEW] * 2), "users[1].types"),
    (bad_import(item_ids=["i"] * 2, occurred_at_ms=[0] * 2, types=[VIEW, 9]), "users[1].types[1]"),
    (bad_import(item_ids=["i"], occurred_at_ms=[0], types=[pb.EVENT_TYPE_UNSPECIFIED]), "users[1].types[0]"),
]


def call(store: Serving, request: Message) -> Any:
    """Calls the RPC that takes the request."""
    return getattr(store.stub, type(request).__name__.removesuffix("Request"))(request)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        pytest.param(request, field, id=f"{type(request).__name__}-{field}-{place}")
        for place, (request, field) in enumerate(BAD_REQUESTS)
    ],
)
async def test_what_breaks_a_limit_is_refused_by_name_and_changes_nothing(
    store: Serving, request_: Message, field: str
) -> None:
    """Also what is good in the same request is left undone."""
    await assert_refused(call(store, request_), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", field)
    known = array((await store.stub.GetUsers(users("good", "u"))).known)
    assert known.tolist() == [0, 0]
    assert REGISTRY.get_sample_value("winnow_feature_store_entries", {"kind": "items"}) == 0


async def test_what_just_keeps_the_limits_is_taken(store: Serving) -> None:
    """Lengths are counted in bytes of UTF-8."""
    longest = "é" * 128
    named_longest = attributes({"é" * 32: longest, **{f"a{number}": 1.0 for number in range(63)}})
    events = [event("é" * 64, item_id=longest, user_id=longest), *(event(f"{number}") for number in range(9_999))]
    assert (await store.stub.RecordEvents(record(*events))).recorded == 10_000
    past = pb.ImportedUser(user_id=longest, attributes=named_longest, item_ids=[item(1)] * 20_000)
    past.occurred_at_ms.extend(range(20_000))
    assert (await store.stub.ImportUsers(pb.ImportUsersRequest(users=[past]))).recorded == 20_000
    overridden = pb.UserQuery(user_id=longest, attributes=attributes({f"a{number}": 1.0 for number in range(32)}))
    answer = await store.stub.GetUsers(
        pb.GetUsersRequest(snapshot_id=SNAPSHOT, users=[overridden] * 1_024, max_history=1)
    )
    assert array(answer.known).tolist() == [1] * 1_024


async def test_an_answer_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """With a word on what to do, instead of a failure in transport."""
    build_snapshot(tmp_path / "snapshots", items=5_000)
    async with serving(tmp_path / "store", tmp_path / "snapshots") as store:
        heavy = pb.ImportedUser(user_id="u", item_ids=map(item, range(5_000)), occurred_at_ms=range(5_000))
        await store.stub.ImportUsers(pb.ImportUsersRequest(users=[heavy]))
        too_many = store.stub.GetUsers(users(*["u"] * 1_024))
        await assert_refused(too_many, grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")


async def test_more_events_than_may_wait_are_refused(tmp_path: Path, snapshots: Path) -> None:
    """And none of a refused request is recorded."""
    async with serving(tmp_path, snapshots, max_queued_events=10) as store:
        requests = [record(*(event(f"{call}-{number}") for number in range(9))) for call in range(30)]
        outcomes = await asyncio.gather(*map(store.stub.RecordEvents, requests), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
        assert {error.code() for error in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert await recorded_of(store, "u") == 9 * (30 - len(refused))


async def test_a_full_store_refuses_writes_and_goes_on_reading(tmp_path: Path, snapshots: Path) -> None:
    """The caller is told that there is no room, and not that it should come back soon."""
    async with serving(tmp_path, snapshots, max_bytes=1 << 20) as store:
        await store.stub.RecordEvents(record(event("kept")))
        large = (
            pb.ImportedUser(user_id=f"v{number}", item_ids=["x" * 200] * 1_000, occurred_at_ms=range(1_000))
            for number in range(10)
        )
        call = store.stub.ImportUsers(pb.ImportUsersRequest(users=large))
        await assert_refused(call, grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL")
        assert array((await store.stub.GetUsers(users("u", "v0"))).known).tolist() == [1, 0]
