"""What holds for every request, whatever recall finds and ranking scores."""

import asyncio

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.query import Condition, RecommendQuery
from services.gateway.run import Deadline
from tests.unit.gateway.fakes import FakeFeatureStore, FakeRanking, FakeRecall, World, plain_items, rows, snapshot_of

ITEMS = 40
SNAPSHOT = snapshot_of(plain_items(ITEMS))

some_rows = st.lists(st.integers(0, ITEMS - 1), max_size=30)
score = st.floats(width=32)  # NaN and infinity too
conditions = st.lists(
    st.builds(
        Condition,
        st.sampled_from(["category", "year", "unknown"]),
        st.lists(st.sampled_from(["even", "odd", "2003", "2004", "2011"]), min_size=1, max_size=3).map(tuple),
        st.booleans(),
    ),
    max_size=2,
)


def meets(row: int, condition: Condition) -> bool:
    """What a condition means for one item, said once more and plainly."""
    values = {"category": {"odd" if row % 2 else "even"}, "year": {str(2000 + row)}}.get(condition.field, set())
    return bool(values & set(condition.any_of)) != condition.exclude


def item_ids(chosen: list[int]) -> tuple[str, ...]:
    """The ids of rows."""
    return tuple(f"i{row}" for row in chosen)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A suite whose recall finds anything in any order, and whose ranking scores it in any way."""
    scores = draw(st.dictionaries(st.integers(0, ITEMS - 1), st.tuples(score, score)))
    store = FakeFeatureStore(history={"ann": rows()}, seen={"ann": rows(*draw(some_rows))})
    return World(store, FakeRecall(found=rows(*draw(some_rows))), FakeRanking(scores=scores))


queries = st.builds(
    RecommendQuery,
    user_id=st.just("ann"),
    max_results=st.integers(1, 50),
    exclude_item_ids=some_rows.map(item_ids),
    session_item_ids=some_rows.map(item_ids),
    conditions=conditions.map(tuple),
    diversity=st.floats(0, 1),
    include_seen=st.booleans(),
)


def eligible_ids(world: World, query: RecommendQuery) -> set[str]:
    """The items that may be shown, worked out one by one."""
    hidden = set(query.exclude_item_ids)
    if not query.include_seen:
        hidden |= set(query.session_item_ids) | set(item_ids(world.feature_store.seen["ann"].tolist()))
    passing = [row for row in range(ITEMS) if all(meets(row, one) for one in query.conditions)]
    return set(item_ids(passing)) - hidden


@settings(max_examples=300, deadline=None)
@given(worlds(), queries)
def test_an_answer_is_full_and_never_breaks_a_rule(world: World, query: RecommendQuery) -> None:
    """No item twice, none excluded, seen or filtered; min(max_results, eligible) items; every score finite."""
    answer = asyncio.run(world.pipeline.recommend(query, SNAPSHOT, Deadline(60.0)))
    shown = [one.item.id for one in answer.items]
    eligible = eligible_ids(world, query)
    assert len(shown) == len(set(shown)) == min(query.max_results, len(eligible))
    assert set(shown) <= eligible
    assert all(np.isfinite([one.score, *one.objective_scores.values()]).all() for one in answer.items)


@settings(max_examples=100, deadline=None)
@given(worlds(), queries)
def test_what_was_found_comes_before_what_fills_up(world: World, query: RecommendQuery) -> None:
    """From the first backfilled item on, none was found by recall."""
    answer = asyncio.run(world.pipeline.recommend(query, SNAPSHOT, Deadline(60.0)))
    backfilled = [one.backfilled for one in answer.items]
    assert backfilled == sorted(backfilled)
    found = set(item_ids(world.recall.found.tolist()))
    assert not found & {one.item.id for one in answer.items if one.backfilled}
