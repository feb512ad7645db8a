"""Items that come, change and go while the gateway serves: on the next request, and without a trace of the old ones."""

from collections.abc import Sequence
from typing import Any

import grpc
import numpy as np
import pytest

from shared.errors import TooManyLiveItems, Unavailable
from shared.tensors import decode
from tests.contract.gateway.conftest import Suite
from tests.contract.gateway.neighbours import answers, found_response, refuses, user_response
from tests.in_process import assert_refused
from winnow.gateway.v1 import gateway_service_pb2 as pb

#: Items of the snapshot; live rows come after them.
ITEMS = 50


def item(item_id: str, title: str = "New", *categories: str, **attributes: str) -> pb.Item:
    """Returns an item to upsert."""
    texts = {name: pb.AttributeValue(text=value) for name, value in attributes.items()}
    return pb.Item(item_id=item_id, title=title, categories=categories, attributes=texts)


async def upsert(suite: Suite, *items: pb.Item) -> pb.UpsertItemsResponse:
    """Upserts items."""
    response: pb.UpsertItemsResponse = await suite.stub.UpsertItems(pb.UpsertItemsRequest(items=items), timeout=60)
    return response


async def withdraw(suite: Suite, *item_ids: str) -> pb.WithdrawItemsResponse:
    """Withdraws items."""
    request = pb.WithdrawItemsRequest(item_ids=item_ids)
    response: pb.WithdrawItemsResponse = await suite.stub.WithdrawItems(request, timeout=60)
    return response


def finds(suite: Suite, *rows: int, stand_ins: Sequence[Sequence[int]] = ()) -> None:
    """Lets recall find rows; each live one among them has a list of stand-ins."""
    changes: dict[str, Any] = {"stand_in_rows": np.array(stand_ins, np.uint32)} if stand_ins else {}
    suite.neighbours.behaviours["Retrieve"] = answers(found_response(*rows, **changes))


def tensor(suite: Suite, method: str, field: str) -> list[Any]:
    """Returns a tensor of the only request to a method."""
    message = getattr(suite.neighbours.request_of(method), field)
    values: list[Any] = decode(message, field, message.dtype, [None] * len(message.shape)).tolist()
    return values


def ids(response: Any) -> list[str]:
    """Returns the ids of the items of an answer."""
    return [one.item_id for one in response.items]


async def test_an_upserted_item_is_recommended_in_the_next_answer(suite: Suite) -> None:
    """With what was said of it, ranked by the mean of its stand-ins, each of which is asked for once."""
    outcome = await upsert(suite, item("new", "New", "western"), item("other"))
    assert (outcome.added, outcome.updated) == (1, 1)
    finds(suite, 30, ITEMS, 10, ITEMS + 1, stand_ins=[[40, 30], [20, 40]])
    suite.neighbours.calls.clear()
    response = await suite.recommend(max_results=4)
    assert ids(response) == ["new", "item-00030", "other", "item-00010"]
    assert [one.objective_scores["click"] for one in response.items] == [35, 30, 30, 10]
    assert (response.items[0].title, list(response.items[0].categories)) == ("New", ["western"])
    assert list(response.items[0].channels) == [pb.ChannelHit(channel="two_tower", score=0.5)]
    assert list(response.degradations) == []
    assert tensor(suite, "GetItems", "rows") == [10, 20, 30, 40]
    assert tensor(suite, "Score", "candidate_rows") == [10, 20, 30, 40]
    assert len(tensor(suite, "Score", "written_features")) == 4


async def test_a_changed_item_is_shown_as_it_is_now_and_only_once(suite: Suite) -> None:
    """Its former row is gone; it is ranked as what it was."""
    await upsert(suite, item("item-00030", "Changed", "western"))
    finds(suite, 30, ITEMS, 10, stand_ins=[[30]])
    response = await suite.recommend(max_results=3)
    assert ids(response)[:2] == ["item-00030", "item-00010"]
    assert response.items[0].title == "Changed"
    assert response.items[0].objective_scores["click"] == 30
    assert response.items[2].backfilled


async def test_a_withdrawn_item_is_in_no_answer(suite: Suite) -> None:
    """Neither found nor backfilled, known or upserted before, until it is upserted again."""
    await upsert(suite, item("new"))
    assert (await withdraw(suite, "new", "item-00030")).withdrawn == 2
    finds(suite, 30, ITEMS, 10, stand_ins=[[40]])
    response = await suite.recommend(user_id="", max_results=100)
    assert set(ids(response)) == {f"item-{row:05d}" for row in range(50)} - {"item-00030"}
    await upsert(suite, item("new"))
    response = await suite.recommend(user_id="", max_results=100)
    assert set(ids(response)) == {f"item-{row:05d}" for row in range(50)} - {"item-00030"} | {"new"}


async def test_new_items_fill_up_when_all_else_is_used_up(suite: Suite) -> None:
    """After everything whose popularity is known; without recall too, and then nothing is ranked but what can be."""
    await upsert(suite, item("new"))
    suite.neighbours.behaviours["Retrieve"] = refuses(Unavailable("gone"))
    response = await suite.recommend(user_id="", max_results=100)
    assert ids(response)[-1] == "new"
    assert len(response.items) == 51
    assert [one.stage for one in response.degradations] == [pb.STAGE_RECALL]


async def test_filters_and_exclusions_know_live_items(suite: Suite) -> None:
    """By categories and attributes as they are now, and by id."""
    await upsert(suite, item("new", "New", "western", shelf="top"), item("item-00030", "Old", "western"))
    finds(suite, ITEMS, ITEMS + 1, 10, stand_ins=[[40], [30]])
    western = pb.AttributeFilter(field="category", any_of=["western"])
    assert ids(await suite.recommend(filters=[western])) == ["new", "item-00030"]
    top = pb.AttributeFilter(field="shelf", any_of=["top"])
    assert ids(await suite.recommend(filters=[top])) == ["new"]
    assert ids(await suite.recommend(filters=[western], exclude_item_ids=["new"])) == ["item-00030"]
    varied = await suite.recommend(diversity=1.0, max_results=2)
    assert ids(varied) == ["new", "item-00010"]


async def test_what_a_user_has_seen_is_told_to_recall_and_not_to_ranking(suite: Suite) -> None:
    """A new item in the history is known to recall alone; seen, it is not shown."""
    await upsert(suite, item("new"), item("newer"))
    suite.neighbours.behaviours["GetUsers"] = answers(user_response(history=(1, ITEMS), seen=(1, ITEMS, ITEMS + 7)))
    finds(suite, 10, ITEMS, ITEMS + 1, stand_ins=[[40], [20]])
    suite.neighbours.calls.clear()
    response = await suite.recommend(session_item_ids=["newer", "item-00002"], max_results=1)
    assert ids(response) == ["item-00010"]
    assert tensor(suite, "Retrieve", "history_rows") == [1, ITEMS, ITEMS + 1, 2]
    assert tensor(suite, "Retrieve", "excluded_rows") == [1, ITEMS, ITEMS + 7, ITEMS + 1, 2]
    assert tensor(suite, "Score", "history_rows") == [1, 2]


async def test_candidates_that_the_gateway_has_not_heard_of_are_left_out(suite: Suite) -> None:
    """Recall may hear of a change first; the answer is whole without it."""
    finds(suite, 30, ITEMS + 3, 10, stand_ins=[[40]])
    response = await suite.recommend(max_results=2)
    assert ids(response) == ["item-00030", "item-00010"]
    assert list(response.degradations) == []


async def test_events_about_live_items_are_recorded(suite: Suite) -> None:
    """Also about what was withdrawn while they were on their way."""
    await upsert(suite, item("new"))
    await withdraw(suite, "item-00030")
    events = [
        pb.Event(event_id=item_id, user_id="u", item_id=item_id, type=pb.EVENT_TYPE_VIEW)
        for item_id in ("new", "item-00030")
    ]
    await suite.stub.RecordEvents(pb.RecordEventsRequest(events=events), timeout=60)
    assert [one.item_id for one in suite.neighbours.request_of("RecordEvents").events] == ["new", "item-00030"]


async def test_what_is_like_a_live_item_can_be_asked(suite: Suite) -> None:
    """By its row, for recall; of a withdrawn one nothing is found."""
    await upsert(suite, item("new", "New", "western"))
    suite.neighbours.calls.clear()
    response = await suite.stub.RecommendSimilar(pb.RecommendSimilarRequest(item_id="new"), timeout=60)
    assert ids(response) == ["item-00030", "item-00010", "item-00020", "item-00040"]
    assert tensor(suite, "RetrieveSimilar", "item_rows") == [ITEMS]
    await withdraw(suite, "new", "item-00030")
    response = await suite.stub.RecommendSimilar(pb.RecommendSimilarRequest(item_id="item-00001"), timeout=60)
    assert ids(response) == ["item-00010", "item-00020", "item-00040"]
    for item_id in ("new", "item-00030"):
        missing = suite.stub.RecommendSimilar(pb.RecommendSimilarRequest(item_id=item_id), timeout=60)
        await assert_refused(missing, grpc.StatusCode.NOT_FOUND, "NOT_FOUND", "item_id")


async def test_what_is_like_an_item_that_recall_cannot_place_shares_a_category_with_it(suite: Suite) -> None:
    """It has not heard of it yet, or no word of it: popular items stand in, and nothing is degraded."""
    category = suite.gateway.agreement.active.catalogue[5].categories[0]
    await upsert(suite, item("new", "New", category))
    suite.neighbours.behaviours["RetrieveSimilar"] = answers(found_response())
    response = await suite.stub.RecommendSimilar(pb.RecommendSimilarRequest(item_id="new"), timeout=60)
    assert response.items
    assert all(category in one.categories and one.backfilled for one in response.items)
    assert "new" not in ids(response)
    assert list(response.degradations) == []
    known = await suite.stub.RecommendSimilar(pb.RecommendSimilarRequest(item_id="item-00005"), timeout=60)
    assert list(known.items) == []


async def test_the_store_is_told_everything_that_was_said(suite: Suite) -> None:
    """Word for word, with the request's id."""
    whole = pb.Item(
        item_id="ü",
        title="Ü",
        categories=["a", "b"],
        attributes={"year": pb.AttributeValue(number=1964), "format": pb.AttributeValue(text="paper")},
        text="words",
    )
    response = await suite.stub.UpsertItems(pb.UpsertItemsRequest(items=[whole], request_id="r-1"), timeout=60)
    assert response.request_id == "r-1"
    assert suite.neighbours.request_ids == ["r-1"]
    (told,) = suite.neighbours.request_of("UpsertItems").items
    assert told.SerializeToString(deterministic=True) == whole.SerializeToString(deterministic=True)


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (TooManyLiveItems("full"), grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_LIVE_ITEMS"),
        (Unavailable("draining"), grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"),
    ],
)
async def test_what_the_store_does_not_take_is_refused(
    suite: Suite, error: Exception, code: grpc.StatusCode, reason: str
) -> None:
    """With its reason: one of them is mended by training."""
    suite.neighbours.behaviours |= dict.fromkeys(("UpsertItems", "WithdrawItems"), refuses(error))  # type: ignore[arg-type]
    await assert_refused(suite.stub.UpsertItems(pb.UpsertItemsRequest(items=[item("new")])), code, reason)
    await assert_refused(suite.stub.WithdrawItems(pb.WithdrawItemsRequest(item_ids=["new"])), code, reason)


async def test_a_gateway_is_ready_once_it_has_asked_what_is_withdrawn(suite: Suite) -> None:
    """Having loaded a snapshot is not enough: it would show what was taken out before it started."""
    gateway = suite.gateway
    assert gateway.follower.ready.is_set()
    assert not gateway.feed.asked.is_set()
    await gateway.feed.catch_up()
    await gateway.get_ready()
    assert gateway.ready.is_set()
