"""Whatever fails, the answer is full, keeps the rules, and names what failed and nothing else."""

from collections.abc import Set
from itertools import chain, combinations

import pytest

from services.gateway.answer import Answer
from services.gateway.degradation import Degradation, Reason, Stage
from services.gateway.query import Condition, RecommendQuery
from services.gateway.run import Deadline
from tests.unit.gateway.fakes import (
    BUDGETS,
    FakeFeatureStore,
    FakeRanking,
    FakeRecall,
    World,
    plain_items,
    rows,
    snapshot_of,
)

FALLIBLE = tuple(BUDGETS)
SUBSETS = [frozenset(chosen) for chosen in chain.from_iterable(combinations(FALLIBLE, size) for size in range(5))]

#: Of 24 items the even ones may be shown, but neither i0 (excluded), nor i2 (in the session), nor i4 (seen).
QUERY = RecommendQuery(
    "ann",
    max_results=3,
    exclude_item_ids=("i0",),
    session_item_ids=("i2",),
    conditions=(Condition("category", ("even",)),),
)


async def ask_without(failed: Set[Stage], reason: Reason = Reason.UNAVAILABLE) -> Answer:
    """Asks a suite in which these stages fail."""

    def fault(stage: Stage) -> Reason | None:
        return reason if stage in failed else None

    store = FakeFeatureStore(fault(Stage.USER_FEATURES), item_failure=fault(Stage.CANDIDATE_FEATURES))
    store.history["ann"] = store.seen["ann"] = rows(4)
    recall = FakeRecall(fault(Stage.RECALL), rows(12, 0, 2, 4, 7, 18, 16))
    ranking = FakeRanking(fault(Stage.RANKING), {12: (1, 0), 18: (2, 0), 16: (3, 0), 22: (4, 0)})
    pipeline = World(store, recall, ranking).pipeline
    return await pipeline.recommend(QUERY, snapshot_of(plain_items(24)), Deadline(60.0))


@pytest.mark.parametrize("failed", SUBSETS, ids=lambda failed: "+".join(sorted(failed)) or "nothing")
async def test_any_failures_leave_a_full_answer_by_the_rules(failed: Set[Stage]) -> None:
    """The answer has three even items, none excluded or from the session, and none seen while users can be read."""
    answer = await ask_without(failed)
    shown = [one.item.id for one in answer.items]
    assert len(set(shown)) == QUERY.max_results
    assert not {"i0", "i2"} & set(shown)
    assert all(one.item.categories == ("even",) for one in answer.items)
    if Stage.USER_FEATURES not in failed:
        assert "i4" not in shown
    assert answer.known_user == (Stage.USER_FEATURES not in failed)


@pytest.mark.parametrize("failed", SUBSETS, ids=lambda failed: "+".join(sorted(failed)) or "nothing")
async def test_the_answer_names_every_failed_stage_that_was_asked(failed: Set[Stage]) -> None:
    """Every stage is tried, whatever failed before it."""
    answer = await ask_without(failed)
    assert answer.degradations == [Degradation(stage, Reason.UNAVAILABLE) for stage in FALLIBLE if stage in failed]


@pytest.mark.parametrize("reason", Reason)
async def test_the_reason_is_passed_on(reason: Reason) -> None:
    """The answer tells why, in the words of whoever found out."""
    answer = await ask_without({Stage.RECALL}, reason)
    assert answer.degradations == [Degradation(Stage.RECALL, reason)]


async def test_without_recall_the_popular_items_are_ranked() -> None:
    """They are scored like any candidate, and say that no channel found them."""
    answer = await ask_without({Stage.RECALL})
    assert [one.item.id for one in answer.items] == ["i22", "i16", "i18"]
    assert all(one.backfilled and one.objective_scores for one in answer.items)


async def test_without_the_candidates_features_they_are_ranked_by_the_snapshots_own() -> None:
    """Ranking has those: what was written over them may be missed, the order by score need not be."""
    answer = await ask_without({Stage.CANDIDATE_FEATURES})
    assert [one.item.id for one in answer.items] == ["i16", "i18", "i12"]
    assert all(one.objective_scores for one in answer.items)


async def test_without_scores_the_order_is_recalls() -> None:
    """The score is the reciprocal of the place, and there are no scores by objective."""
    answer = await ask_without({Stage.RANKING})
    assert [one.item.id for one in answer.items] == ["i12", "i18", "i16"]
    assert [one.score for one in answer.items] == [1.0, 1 / 2, 1 / 3]
    assert not any(one.objective_scores for one in answer.items)


async def test_with_everything_gone_the_popular_items_are_left() -> None:
    """The most popular that the request allows, in order."""
    answer = await ask_without(frozenset(FALLIBLE))
    assert [one.item.id for one in answer.items] == ["i4", "i6", "i8"]
    assert all(one.backfilled for one in answer.items)


async def test_no_neighbour_is_asked_once_the_deadline_passed() -> None:
    """What cannot be answered in time is not sent; the answer comes from what the gateway has."""
    world = World(recall=FakeRecall(found=rows(3)))
    answer = await world.pipeline.recommend(RecommendQuery("ann"), snapshot_of(plain_items(20)), Deadline(0.0))
    assert world.feature_store.users_asked == []
    assert len(answer.items) == 10
    expected = [Stage.USER_FEATURES, Stage.RECALL, Stage.CANDIDATE_FEATURES, Stage.RANKING]
    assert answer.degradations == [Degradation(stage, Reason.DEADLINE) for stage in expected]
