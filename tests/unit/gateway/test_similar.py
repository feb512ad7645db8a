"""What is like an item comes from recall, past the filters; without recall, from its categories."""

import pytest

from services.gateway.answer import Answer
from services.gateway.degradation import Degradation, Reason, Stage
from services.gateway.query import Condition, SimilarQuery
from services.gateway.run import Deadline
from services.gateway.similar import SimilarPipeline
from shared.snapshot.catalogue import CatalogueItem
from tests.unit.gateway.fakes import LIMITS, FakeRecall, plain_items, rows, snapshot_of

SNAPSHOT = snapshot_of([*plain_items(20), CatalogueItem("bare", "No category")])


async def ask(recall: FakeRecall, query: SimilarQuery) -> Answer:
    """Asks with all the time there is."""
    return await SimilarPipeline(recall, LIMITS).recommend_similar(query, SNAPSHOT, Deadline(60.0))


def ids(answer: Answer) -> list[str]:
    """The ids of the items, in order."""
    return [one.item.id for one in answer.items]


async def test_items_keep_the_order_of_recall() -> None:
    """The most alike first, with the channels that found them and a score that falls."""
    answer = await ask(FakeRecall(found=rows(7, 2, 9)), SimilarQuery(row=3, max_results=2))
    assert ids(answer) == ["i7", "i2"]
    assert [one.score for one in answer.items] == [1.0, 0.5]
    assert answer.items[1].hits == (("two_tower", 0.5),)
    assert answer.degradations == []
    assert [stage for stage, _ in answer.timings] == [Stage.RECALL, Stage.FILTER, Stage.SELECT]


async def test_the_item_itself_and_what_is_excluded_are_left_out() -> None:
    """Even when recall sends them."""
    query = SimilarQuery(row=3, exclude_item_ids=("i7",), conditions=(Condition("category", ("even",), exclude=True),))
    assert ids(await ask(FakeRecall(found=rows(3, 7, 2, 9, 9)), query)) == ["i9"]


async def test_enough_is_asked_for_to_leave_out_what_must_be() -> None:
    """Excluded items are among the most alike as a rule."""
    recall = FakeRecall()
    await ask(recall, SimilarQuery(row=3, max_results=100, exclude_item_ids=tuple(f"i{row}" for row in range(19))))
    assert recall.asked == 120


async def test_without_recall_popular_items_of_the_same_category_are_shown() -> None:
    """Odd items for an odd one, the most popular first, and the answer says that recall is missing."""
    answer = await ask(FakeRecall(Reason.DEADLINE), SimilarQuery(row=3, max_results=3, exclude_item_ids=("i1",)))
    assert ids(answer) == ["i5", "i7", "i9"]
    assert all(one.backfilled for one in answer.items)
    assert answer.degradations == [Degradation(Stage.RECALL, Reason.DEADLINE)]


async def test_without_recall_and_categories_popular_items_are_shown() -> None:
    """An item that has no category is like any other."""
    answer = await ask(FakeRecall(Reason.UNAVAILABLE), SimilarQuery(row=20, max_results=2))
    assert ids(answer) == ["i0", "i1"]


async def test_a_failed_channel_is_named() -> None:
    """The others' items are served."""
    answer = await ask(FakeRecall(found=rows(7), failed_channels=("content",)), SimilarQuery(row=3))
    assert answer.degradations == [Degradation(Stage.RECALL, Reason.ERROR, "content")]


@pytest.mark.parametrize("max_results", [1, 3])
async def test_no_more_items_than_asked_for(max_results: int) -> None:
    """Recall finds more than is shown."""
    answer = await ask(FakeRecall(found=rows(7, 2, 9, 11)), SimilarQuery(row=3, max_results=max_results))
    assert len(answer.items) == max_results
