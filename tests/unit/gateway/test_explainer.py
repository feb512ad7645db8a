"""An explanation agrees with the answer that it explains, whatever was asked."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.explainer import Explainer
from services.gateway.explanation import Explanation, Outcome
from services.gateway.query import Condition, RecommendQuery
from services.gateway.run import Deadline
from services.gateway.treatment import Policy, Treatment
from tests.unit.gateway.fakes import BUDGETS, LIMITS, World, plain_items, rows, snapshot_of

ITEMS = 24
SNAPSHOT = snapshot_of(plain_items(ITEMS))
ROWS = st.lists(st.integers(0, ITEMS - 1), max_size=12)

QUERIES = st.builds(
    RecommendQuery,
    user_id=st.sampled_from(["", "ann"]),
    max_results=st.integers(1, 8),
    exclude_item_ids=st.lists(st.sampled_from([f"i{row}" for row in range(ITEMS)]), max_size=4).map(tuple),
    conditions=st.sampled_from([(), (Condition("category", ("even",)),)]),
    session_item_ids=st.lists(st.sampled_from(["i1", "i2", "unknown"]), max_size=3).map(tuple),
    diversity=st.sampled_from([None, 0.0, 0.5]),
    include_seen=st.booleans(),
)


def _world(found: list[int], seen: list[int], most: int) -> World:
    world = World(limits=replace(LIMITS, max_candidates=most))
    world.recall.found = rows(*found)
    world.feature_store.history["ann"] = rows(*seen[:3])
    world.feature_store.seen["ann"] = rows(*seen)
    return world


WORLDS = st.builds(_world, ROWS, st.lists(st.integers(0, ITEMS - 1)), st.integers(1, 8))


async def explain(world: World, query: RecommendQuery, *asked: int) -> Explanation:
    """Explains with all the time there is."""
    explainer = Explainer(world.pipeline, world.feature_store, world.recall, world.ranking, BUDGETS)
    treatment = Treatment(Policy(max_candidates=world.limits.max_candidates))
    return await explainer.explain(query, asked, SNAPSHOT, Deadline(60.0), treatment)


@given(WORLDS, QUERIES, st.lists(st.integers(0, ITEMS - 1), max_size=4))
async def test_an_explanation_is_consistent(world: World, query: RecommendQuery, asked: list[int]) -> None:
    """The answer is Recommend's; the funnel adds up; every item has one reason, and that one holds."""
    answer = await world.pipeline.recommend(query, SNAPSHOT, Deadline(60.0))
    explained = await explain(world, query, *asked)

    assert explained.answer.items == answer.items
    assert explained.answer.removed == answer.removed
    removed = sum(step.removed for step in explained.filters)
    assert explained.ranked == min(explained.found - removed, world.limits.max_candidates)
    for channel in explained.channels:
        assert channel.found >= channel.kept >= channel.shown
    ids = [one.item.id for one in explained.items]
    assert ids[: len(answer.items)] == [one.item.id for one in answer.items]
    assert set(ids) == {one.item.id for one in answer.items} | {f"i{row}" for row in asked}
    assert len(ids) == len(set(ids))
    for one in explained.items:
        placing = one.placing
        assert (placing.outcome is Outcome.SHOWN) == (placing.place > 0)
        assert (placing.outcome is Outcome.REMOVED) == (placing.removed_by != "")
        assert placing.score_place <= explained.ranked
        if placing.outcome is not Outcome.SHOWN:  # of those shown, some were ranked and others fill up
            assert (placing.score_place > 0) == (placing.outcome is Outcome.NOT_CHOSEN)
        assert (placing.recall_place > 0) == bool(placing.hits)
    assert explained.degradations == []


async def test_what_is_cut_off_before_ranking_is_told_from_what_is_not_chosen() -> None:
    """Two of three are ranked and one of them is shown."""
    world = _world([5, 6, 7], [], 2)
    explained = await explain(world, RecommendQuery(max_results=1, weights={"like": 0.0}), 5, 7, 8)
    outcomes = {one.item.id: one.placing.outcome for one in explained.items}
    assert outcomes == {
        "i6": Outcome.SHOWN,
        "i5": Outcome.NOT_CHOSEN,
        "i7": Outcome.NOT_RANKED,
        "i8": Outcome.NOT_FOUND,
    }
    assert explained.ranked == 2


async def test_groups_at_their_defaults_contribute_nothing() -> None:
    """Nobody, without a history: only the item's features can differ from the baseline."""
    explained = await explain(_world([5, 7], [], 8), RecommendQuery(max_results=2))
    for one in explained.items:
        for objective in one.objectives:
            assert objective.contributions["user_features"] == objective.contributions["history"] == 0.0


async def test_only_an_explanation_asks_for_states() -> None:
    """A run for an answer alone says so to the neighbours and to every stage that leaves something to chance."""
    world = _world([5], [], 8)
    await world.pipeline.recommend(RecommendQuery("ann"), SNAPSHOT, Deadline(60.0))
    await explain(world, RecommendQuery("ann"))
    assert world.feature_store.states_asked == [False, True]
