"""Items that come, change and go between trainings, over the wire."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from tests.contract.feature_store.calls import event, histories, item, record, seen, users
from tests.contract.feature_store.serving import Serving, serving
from tests.in_process import assert_refused
from tests.snapshot_factory import build_snapshot
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

LONG_ID = "é" * 128 + "x"  # 129 characters, 257 bytes


def upsert(*item_ids: str, **fields: Any) -> pb.UpsertItemsRequest:
    """Returns a request to upsert items with a title and these fields."""
    given: dict[str, Any] = {"title": "t"} | fields
    return pb.UpsertItemsRequest(items=[pb.Item(item_id=item_id, **given) for item_id in item_ids])


def withdraw(*item_ids: str) -> pb.WithdrawItemsRequest:
    """Returns a request to withdraw items."""
    return pb.WithdrawItemsRequest(item_ids=item_ids)


async def changes(store: Serving, after: int = 0, **fields: Any) -> pb.ListItemChangesResponse:
    """Asks what changed."""
    return await store.stub.ListItemChanges(pb.ListItemChangesRequest(after_version=after, **fields))


BAD_REQUESTS: list[tuple[Message, str]] = [
    (upsert(), "items"),
    (upsert(*(f"{number}" for number in range(1_001))), "items"),
    (upsert("good", ""), "items[1].item_id"),
    (upsert("good", LONG_ID), "items[1].item_id"),
    (upsert("good", "bad", "good"), "items[2].item_id"),
    (upsert("good", title=""), "items[0].title"),
    (upsert("good", title="x" * 1_025), "items[0].title"),
    (upsert("good", categories=["c"] * 65), "items[0].categories"),
    (upsert("good", categories=["c", LONG_ID]), "items[0].categories[1]"),
    (upsert("good", attributes={"": pb.AttributeValue(text="x")}), "items[0].attributes"),
    (upsert("good", attributes={"n" * 65: pb.AttributeValue(text="x")}), "items[0].attributes"),
    (upsert("good", attributes={"a": pb.AttributeValue()}), 'items[0].attributes["a"]'),
    (upsert("good", attributes={"a": pb.AttributeValue(number=float("inf"))}), 'items[0].attributes["a"]'),
    (upsert("good", text="x" * 16_385), "items[0].text"),
    (withdraw(), "item_ids"),
    (withdraw(*(f"{number}" for number in range(1_001))), "item_ids"),
    (withdraw("good", ""), "item_ids[1]"),
    (withdraw("good", LONG_ID), "item_ids[1]"),
    (withdraw("good", "good"), "item_ids[1]"),
]


@pytest.mark.parametrize(
    ("request_", "field"), BAD_REQUESTS, ids=[f"{field}-{n}" for n, (_, field) in enumerate(BAD_REQUESTS)]
)
async def test_what_breaks_a_limit_is_refused_by_name_and_changes_nothing(
    store: Serving, request_: Message, field: str
) -> None:
    """Also the good items beside a bad one."""
    method: Any = store.stub.UpsertItems if isinstance(request_, pb.UpsertItemsRequest) else store.stub.WithdrawItems
    await assert_refused(method(request_), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", field)
    assert not (await changes(store)).changes


async def test_changes_are_listed_with_all_that_was_said(store: Serving) -> None:
    """By rising version; of an item that changed twice the last change, under its old number."""
    attributes = {"year": pb.AttributeValue(number=1964), "format": pb.AttributeValue(text="paper")}
    whole = pb.Item(item_id="new", title="T", categories=["a", "b"], attributes=attributes, text="words")
    first = await store.stub.UpsertItems(pb.UpsertItemsRequest(items=[whole, pb.Item(item_id=item(3), title="3")]))
    second = await store.stub.WithdrawItems(withdraw("new"))
    third = await store.stub.UpsertItems(pb.UpsertItemsRequest(items=[whole]))
    assert (first.added, first.updated, first.version) == (1, 1, 2)
    assert (second.withdrawn, second.version) == (1, 3)
    assert (third.added, third.updated, third.version) == (0, 1, 4)
    listed = await changes(store)
    assert [(one.version, one.number, one.withdrawn) for one in listed.changes] == [(2, 1, False), (4, 0, False)]
    assert listed.changes[1].item == whole
    assert listed.changes[1].changed_at_ms > 0
    assert (listed.version, listed.more) == (4, False)


async def test_changes_come_in_pages(store: Serving) -> None:
    """Of as many as are asked for, and of no more than fit in a message, however much is said of each item."""
    for start in range(0, 600, 200):
        await store.stub.UpsertItems(upsert(*(f"{start + n:03d}" for n in range(200)), text="x" * 16_384))
    page = await changes(store, max_changes=7)
    assert (len(page.changes), page.version, page.more) == (7, 7, True)
    found, after, pages = 0, 0, 0
    while True:
        page = await changes(store, after=after)
        found, after, pages = found + len(page.changes), page.version, pages + 1
        assert page.ByteSize() < 4 << 20
        if not page.more:
            break
    assert (found, after) == (600, 600)
    assert pages > 2
    assert not (await changes(store, after=600)).changes


@pytest.mark.parametrize("after", [1, 2**63, 2**64 - 1])
async def test_whoever_knows_more_than_the_store_is_told_how_far_that_is(store: Serving, after: int) -> None:
    """It was another store that was asked before; a number without meaning harms nobody."""
    await store.stub.UpsertItems(upsert("a"))

    listed = await changes(store, after)

    assert (list(listed.changes), listed.version, listed.more) == ([], 1, False)


async def test_acknowledged_changes_outlive_the_process(tmp_path: Path, snapshots: Path) -> None:
    """With their versions and numbers, which go on from there."""
    async with serving(tmp_path / "store", snapshots) as store:
        await store.stub.UpsertItems(upsert("a", "b"))
        before = await changes(store)
    async with serving(tmp_path / "store", snapshots) as store:
        assert await changes(store) == before
        assert (await store.stub.WithdrawItems(withdraw("b", "c"))).version == 4
        assert [(one.item.item_id, one.number) for one in (await changes(store, after=2)).changes] == [
            ("b", 1),
            ("c", 2),
        ]


async def test_a_store_without_a_snapshot_says_that_it_is_starting(tmp_path: Path) -> None:
    """It could not tell what is new."""
    async with serving(tmp_path / "store", tmp_path / "none") as store:
        await assert_refused(store.stub.UpsertItems(upsert("a")), grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_too_many_live_items_are_refused_until_a_snapshot_is_trained(tmp_path: Path, snapshots: Path) -> None:
    """With a reason of its own, and a sentence that says what to do."""
    async with serving(tmp_path / "store", snapshots, max_live_items=2) as store:
        await store.stub.UpsertItems(upsert("a", "b"))
        refused = store.stub.UpsertItems(upsert("c"))
        await assert_refused(refused, grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_LIVE_ITEMS")
        with pytest.raises(grpc.aio.AioRpcError, match="train a snapshot that has them"):
            await store.stub.UpsertItems(upsert("c"))
        await store.stub.WithdrawItems(withdraw(item(1)))


async def test_live_items_have_rows_beside_the_snapshot(store: Serving) -> None:
    """New ones in the history and the seen items; changed ones keep the row in the history that models know."""
    await store.stub.RecordEvents(
        record(event("1", "new"), event("2", item(7)), event("3", item(9)), event("4", "gone"))
    )
    answer = await store.stub.GetUsers(users("u"))
    assert (histories(answer), seen(answer)) == ([[7, 9]], [[7, 9]])
    await store.stub.UpsertItems(upsert("new", item(7)))
    answer = await store.stub.GetUsers(users("u"))
    assert histories(answer) == [[200, 7, 9]]
    assert seen(answer) == [[9, 200, 201]]


async def test_a_newer_snapshot_takes_over_what_it_was_trained_with(tmp_path: Path) -> None:
    """Items that it has and that were changed before it was made are its own again; others stay beside it."""
    root = tmp_path / "snapshots"
    build_snapshot(root)
    async with serving(tmp_path / "store", root) as store:
        await store.stub.UpsertItems(upsert("new", item(7)))
        await store.stub.RecordEvents(record(event("1", "new"), event("2", item(7))))
        build_snapshot(root, "snapshot-2", created="2199-01-01T00:00:00Z")
        await store.follower.poll()
        old, young = [await store.stub.GetUsers(users("u", snapshot_id=f"snapshot-{n}")) for n in (1, 2)]
        assert (seen(old), seen(young)) == ([[200, 201]], [[7, 200]])
