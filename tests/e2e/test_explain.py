"""Explain, in the suite as a user runs it: a ranker that was really trained, and a store that remembers."""

from collections.abc import Sequence

import pytest

from tests.e2e.suite import Suite
from tests.e2e.traffic import PATIENCE_SECONDS
from winnow.client import Event, ExplainResult, ItemExplanation

pytestmark = pytest.mark.asyncio(loop_scope="module")


def of(explained: ExplainResult, item_id: str) -> ItemExplanation:
    """The explanation of an item."""
    return next(one for one in explained.items if one.item_id == item_id)


def missed(explained: ExplainResult) -> Sequence[ItemExplanation]:
    """The explanations of the items that are not in the answer."""
    return [one for one in explained.items if not one.place]


async def test_the_answer_that_is_explained_is_the_one_that_is_given(suite: Suite) -> None:
    """The same items in the same order, with the same scores, and nothing is degraded."""
    for user_id in suite.user_ids[:5]:
        explained = await suite.client.explain(user_id, diversity=0.3)
        answer = await suite.client.recommend(user_id, diversity=0.3)
        assert [item.item_id for item in explained.response.items] == [item.item_id for item in answer.items]
        assert [item.score for item in explained.response.items] == pytest.approx([item.score for item in answer.items])
        assert explained.degradations == explained.response.degradations == ()


async def test_contributions_of_a_trained_ranker_add_up(suite: Suite) -> None:
    """Of every item and objective; and the score that is explained is the one that the answer gives."""
    for user_id in suite.user_ids[:5]:
        explained = await suite.client.explain(user_id, item_ids=suite.item_ids[:10], max_results=20)
        for one in explained.items:
            assert one.objectives
            for told in one.objectives:
                total = told.baseline + sum(told.contributions.values())
                assert total == pytest.approx(told.score, rel=1e-6, abs=1e-6)
        for item in explained.response.items:
            told_scores = {told.objective: told.score for told in of(explained, item.item_id).objectives}
            assert item.backfilled or told_scores == pytest.approx(dict(item.objective_scores), rel=1e-3, abs=1e-3)


async def test_the_history_is_what_moves_the_scores_of_a_known_user(suite: Suite) -> None:
    """A trained ranker looks at it; without one it contributes nothing."""
    known = await suite.client.explain(suite.user_ids[0])
    assert any(abs(told.contributions["history"]) > 0.01 for one in known.items for told in one.objectives)
    stranger = await suite.client.explain("nobody has met this user")
    assert not stranger.response.known_user
    for one in stranger.items:
        for told in one.objectives:
            assert told.contributions["history"] == pytest.approx(0.0, abs=1e-6)
            assert told.contributions["user_features"] == pytest.approx(0.0, abs=1e-6)


async def test_the_funnel_adds_up(suite: Suite) -> None:
    """What came to the filters, less what they removed, is what was ranked; every channel of the snapshot is there."""
    explained = await suite.client.explain(suite.user_ids[1])
    removed = sum(step.removed for step in explained.filters)
    assert explained.ranked == min(explained.found - removed, 500)
    assert sum(channel.found > 0 for channel in explained.channels) >= 2
    for channel in explained.channels:
        assert channel.found >= channel.kept >= channel.shown
        assert not channel.failed


async def test_an_item_that_was_just_seen_is_missed_for_that_reason(suite: Suite) -> None:
    """It was in the answer; once it is recorded, "seen" is why it is not, and it is the newest of the history."""
    user_id = suite.user_ids[3]
    item_id = (await suite.client.recommend(user_id)).items[0].item_id
    await suite.client.record([Event(user_id, item_id, occurred_at=suite.now)], timeout=PATIENCE_SECONDS)
    explained = await suite.client.explain(user_id, item_ids=[item_id])
    one = of(explained, item_id)
    assert (one.outcome, one.removed_by, one.place) == ("removed", "seen", 0)
    assert one.recall_place > 0  # recall would still find it
    assert item_id in next(step for step in explained.filters if step.filter == "seen").item_ids
    assert explained.history_item_ids[-1] == item_id


async def test_every_item_has_a_reason_that_holds(suite: Suite) -> None:
    """Of twenty items each is shown, or names the filter, or came somewhere by score, or was not found."""
    explained = await suite.client.explain(suite.user_ids[4], item_ids=suite.item_ids[-20:], max_results=5)
    outcomes = {one.outcome for one in missed(explained)}
    assert outcomes <= {"removed", "not_found", "not_chosen", "not_ranked"}
    for one in missed(explained):
        assert (one.outcome == "not_chosen") == (one.score_place > 0)
        assert (one.outcome == "removed") == bool(one.removed_by)


async def test_a_stored_attribute_is_present_and_has_an_age(suite: Suite) -> None:
    """It came to the store when the suite was started; what the request says is of now and has none."""
    user = next(user for user in suite.dataset.users if "age" in user.attributes)
    explained = await suite.client.explain(user.id)
    told = {feature.name: feature for feature in explained.user_features}
    assert (told["age"].state, told["age"].value) == ("present", user.attributes["age"])
    age = told["age"].age_seconds
    assert age is not None
    assert 0 <= age < 3_600
    explained = await suite.client.explain(user.id, user_attributes={"age": 33.0})
    told = {feature.name: feature for feature in explained.user_features}
    assert (told["age"].state, told["age"].value, told["age"].age_seconds) == ("present", 33.0, None)
