"""Items come, change and go while the suite serves, and survive the death of any process that knows of them."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence

import pytest

from services.training.datasets import Item as DatasetItem
from tests.e2e.suite import Suite
from tests.e2e.traffic import PATIENCE_SECONDS
from winnow.client import Event, Filter, Item, NotFound, RecommendResult, WinnowError

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Asks until a condition holds: other processes follow changes at their own pace."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():
            pass


async def favourite(suite: Suite, user_id: str) -> DatasetItem:
    """Returns the item that a user is recommended first."""
    best = (await suite.client.recommend(user_id, max_results=1)).items[0].item_id
    return next(item for item in suite.dataset.items if item.id == best)


def like(item: DatasetItem, item_id: str) -> Item:
    """Returns a new item that is described in the same words."""
    return Item(item_id, item.title, item.categories, {"shelf": "new"}, item.text)


def ids(result: RecommendResult) -> Sequence[str]:
    """Returns the ids of the items of a result."""
    return [item.item_id for item in result.items]


async def found_by(suite: Suite, user_id: str, item_id: str, places: int = 30) -> bool:
    """Returns whether a channel finds an item for a user, and ranking puts it in one of the first places."""
    result = await suite.client.recommend(user_id, max_results=places)
    assert not result.degradations
    return any(item.item_id == item_id and not item.backfilled for item in result.items)


async def shown(suite: Suite, item_id: str) -> bool:
    """Returns whether an item is anywhere among the hundred best of some users, or of nobody."""
    asked = [suite.client.recommend(user_id, max_results=100) for user_id in ("", *suite.user_ids[:5])]
    return any(item_id in ids(result) for result in await asyncio.gather(*asked))


async def test_an_upserted_item_is_recommended_to_who_likes_what_is_like_it(suite: Suite) -> None:
    """Ranked and found by a channel, though no model was ever trained with it; once seen, it is not shown again."""
    user_id = suite.user_ids[4]
    new = like(await favourite(suite, user_id), "new-1")
    result = await suite.client.upsert_items([new])
    assert (result.added, result.updated) == (1, 0)
    await until(lambda: found_by(suite, user_id, "new-1"))
    found = await suite.client.recommend(user_id, max_results=30)
    (one,) = [item for item in found.items if item.item_id == "new-1"]
    assert (one.title, one.categories) == (new.title, new.categories)
    assert one.objective_scores
    assert "content" in {hit.channel for hit in one.channels}

    await suite.client.record([Event(user_id, "new-1")])
    assert "new-1" not in ids(await suite.client.recommend(user_id, max_results=100))
    other = next(one for one in suite.user_ids if one != user_id)
    assert (await suite.client.recommend(other, session_item_ids=["new-1"])).degradations == ()


async def test_a_changed_item_is_found_and_filtered_as_it_is_now(suite: Suite) -> None:
    """Items of the snapshot too: new title, new categories, and only once."""
    user_id = suite.user_ids[6]
    known = await favourite(suite, user_id)
    changed = Item(known.id, "Another Title", ("Unheard Of",), {"shelf": "new"}, known.text)
    result = await suite.client.upsert_items([changed])
    assert (result.added, result.updated) == (0, 1)
    only = [Filter("category", ("Unheard Of",))]
    answer = await suite.client.recommend(user_id, filters=only)
    assert [(item.item_id, item.title) for item in answer.items] == [(known.id, "Another Title")]
    await until(lambda: found_by(suite, user_id, known.id))
    answer = await suite.client.recommend(user_id, max_results=100)
    assert ids(answer).count(known.id) == 1
    old = [Filter("category", known.categories)]
    assert known.id not in ids(await suite.client.recommend(user_id, filters=old, max_results=100))


async def test_what_is_like_a_new_item_is_what_it_resembles(suite: Suite) -> None:
    """And it is found as the like of others."""
    model = suite.dataset.items[7]
    await suite.client.upsert_items([like(model, "new-2")])

    async def alike() -> bool:
        try:
            one = await suite.client.recommend_similar("new-2", max_results=20)
            other = await suite.client.recommend_similar(model.id, max_results=20)
        except WinnowError:
            return False
        return model.id in ids(one) and "new-2" in ids(other) and not one.degradations

    await until(alike)


async def test_a_withdrawn_item_is_in_no_answer_until_it_comes_back(suite: Suite) -> None:
    """Those of the snapshot as well as new ones, from the answer to the call on."""
    user_id = suite.user_ids[8]
    known = await favourite(suite, user_id)
    new = like(known, "new-3")
    await suite.client.upsert_items([new])
    assert (await suite.client.withdraw_items([known.id, "new-3", "nobody-has-it"])).withdrawn == 2
    for item_id in (known.id, "new-3"):
        assert not await shown(suite, item_id)
        with pytest.raises(NotFound):
            await suite.client.recommend_similar(item_id)
    await suite.client.record([Event(user_id, known.id)])  # it was done before the withdrawal, and told after it
    await suite.client.upsert_items([new])
    await until(lambda: found_by(suite, user_id, "new-3"))


@pytest.mark.parametrize("victim", ["feature_store", "recall", "gateway"])
async def test_changes_survive_the_death_of_a_process(suite: Suite, victim: str) -> None:
    """What was acknowledged counts again as soon as the process is back: kill -9 asks nobody."""
    user_id = suite.user_ids[10]
    new_id, gone = f"new-{victim}", suite.item_ids[{"feature_store": 20, "recall": 21, "gateway": 22}[victim]]
    await suite.client.upsert_items([like(await favourite(suite, user_id), new_id)])
    await suite.client.withdraw_items([gone])
    await until(lambda: found_by(suite, user_id, new_id, places=60))

    os.kill(suite.pid(victim), signal.SIGKILL)
    await suite.heard(victim)
    await suite.until_whole()

    assert not await shown(suite, gone)
    await until(lambda: found_by(suite, user_id, new_id, places=60))
