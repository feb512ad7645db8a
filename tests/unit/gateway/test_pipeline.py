"""The pipeline hydrates, retrieves, filters, scores and selects, in this order."""

import numpy as np
import pytest

from services.gateway.answer import Answer
from services.gateway.degradation import Degradation, Reason, Stage
from services.gateway.pipeline import PipelineLimits
from services.gateway.query import Condition, RecommendQuery
from services.gateway.run import Deadline
from services.gateway.snapshot import GatewaySnapshot
from tests.unit.gateway.fakes import BUDGETS, World, plain_items, rows, snapshot_of


@pytest.fixture
def snapshot() -> GatewaySnapshot:
    """Twenty items, `i0` the most popular."""
    return snapshot_of(plain_items(20))


async def ask(world: World, query: RecommendQuery, snapshot: GatewaySnapshot) -> Answer:
    """Asks with all the time there is."""
    return await world.pipeline.recommend(query, snapshot, Deadline(60.0))


def ids(answer: Answer) -> list[str]:
    """The ids of the items, in order."""
    return [one.item.id for one in answer.items]


async def test_stages_run_in_the_order_of_the_contract(snapshot: GatewaySnapshot) -> None:
    """Every answer tells how long each stage took, user first and selection last."""
    answer = await ask(World(), RecommendQuery("ann"), snapshot)
    assert [stage for stage, _ in answer.timings] == list(Stage)
    assert all(seconds >= 0 for _, seconds in answer.timings)


async def test_items_are_ordered_by_the_sum_of_their_scores(snapshot: GatewaySnapshot) -> None:
    """The ranker decides, whatever order recall had; the sum and its parts are told."""
    world = World()
    world.recall.found = rows(3, 7, 5)
    world.ranking.scores = {3: (0.5, 0.25), 7: (1.0, 2.0), 5: (1.0, 0.5)}
    answer = await ask(world, RecommendQuery("ann", max_results=3), snapshot)
    assert ids(answer) == ["i7", "i5", "i3"]
    assert [one.score for one in answer.items] == [3.0, 1.5, 0.75]
    assert answer.items[0].objective_scores == {"click": 1.0, "like": 2.0}
    assert answer.degradations == []


async def test_weights_decide_how_much_an_objective_counts(snapshot: GatewaySnapshot) -> None:
    """An objective that is not named counts 1, one of weight 0 not at all."""
    world = World()
    world.recall.found = rows(3, 7)
    world.ranking.scores = {3: (0.0, 5.0), 7: (1.0, 0.0)}
    plain = await ask(world, RecommendQuery(max_results=2), snapshot)
    weighed = await ask(world, RecommendQuery(max_results=2, weights={"like": 0.0}), snapshot)
    assert ids(plain) == ["i3", "i7"]
    assert ids(weighed) == ["i7", "i3"]
    assert [one.score for one in weighed.items] == [1.0, 0.0]


async def test_equal_scores_keep_the_order_of_recall(snapshot: GatewaySnapshot) -> None:
    """With all weights 0 nothing but recall's order is left."""
    world = World()
    world.recall.found = rows(9, 2, 14, 5)
    query = RecommendQuery(max_results=4, weights={"click": 0.0, "like": 0.0})
    assert ids(await ask(world, query, snapshot)) == ["i9", "i2", "i14", "i5"]


async def test_an_item_tells_which_channels_found_it(snapshot: GatewaySnapshot) -> None:
    """Only the channels whose bit is set, each with its own score."""
    world = World()
    world.recall.found = rows(3)
    answer = await ask(world, RecommendQuery(max_results=1), snapshot)
    assert answer.items[0].hits == (("two_tower", 1.0),)
    assert not answer.items[0].backfilled


async def test_a_known_user_has_history_and_seen_items(snapshot: GatewaySnapshot) -> None:
    """History goes to recall and ranking; seen and excluded items are pushed down to recall."""
    world = World()
    world.feature_store.history["ann"] = rows(1, 2)
    world.feature_store.seen["ann"] = rows(1, 2, 8)
    world.recall.found = rows(3)
    query = RecommendQuery("ann", exclude_item_ids=("i4", "unknown"))
    answer = await ask(world, query, snapshot)
    assert answer.known_user
    assert world.recall.user is not None
    assert world.ranking.user is not None
    assert world.recall.user.history.tolist() == [1, 2]
    assert world.ranking.user.history.tolist() == [1, 2]
    assert world.recall.excluded is not None
    assert sorted(world.recall.excluded.tolist()) == [1, 2, 4, 8]


async def test_session_items_are_the_newest_history_and_seen(snapshot: GatewaySnapshot) -> None:
    """What a session tells is appended, the oldest history makes room, and none of it is recommended."""
    world = World()
    world.feature_store.history["ann"] = rows(1, 2, 3)
    world.recall.found = rows(6, 5, 9)
    query = RecommendQuery("ann", session_item_ids=("i5", "unknown", "i6"), max_results=1)
    answer = await ask(world, query, snapshot)
    assert world.recall.user is not None
    assert world.recall.user.history.tolist() == [2, 3, 5, 6]
    assert ids(answer) == ["i9"]


async def test_seen_items_come_again_when_asked_for(snapshot: GatewaySnapshot) -> None:
    """`include_seen` lets the history and the session back in, but not what was excluded."""
    world = World()
    world.feature_store.history["ann"] = rows(1)
    world.feature_store.seen["ann"] = rows(1)
    world.recall.found = rows(1, 2, 3)
    query = RecommendQuery("ann", session_item_ids=("i2",), exclude_item_ids=("i3",), include_seen=True, max_results=2)
    answer = await ask(world, query, snapshot)
    assert sorted(ids(answer)) == ["i1", "i2"]
    assert world.recall.excluded is not None
    assert world.recall.excluded.tolist() == [3]


async def test_nobody_in_particular_costs_no_call(snapshot: GatewaySnapshot) -> None:
    """Without a user id there is nobody to read; attributes of the request become features all the same."""
    world = World()
    world.recall.found = rows(3)
    answer = await ask(world, RecommendQuery(attributes={"country": "FR"}), snapshot)
    assert world.feature_store.users_asked == []
    assert not answer.known_user
    assert world.recall.user is not None
    assert world.recall.user.features.tolist() == snapshot.user_features({"country": "FR"}).tolist()


async def test_a_failed_channel_is_named(snapshot: GatewaySnapshot) -> None:
    """The other channels' candidates are served, and the answer says which channel is missing."""
    world = World()
    world.recall.found = rows(3)
    world.recall.failed_channels = ("content",)
    answer = await ask(world, RecommendQuery(max_results=1), snapshot)
    assert ids(answer) == ["i3"]
    assert answer.degradations == [Degradation(Stage.RECALL, Reason.ERROR, "content")]


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
async def test_a_score_that_is_not_finite_sinks(snapshot: GatewaySnapshot, broken: float) -> None:
    """The candidate comes after all that could be scored, with no score; the answer says ranking was not whole."""
    world = World()
    world.recall.found = rows(3, 7, 5)
    world.ranking.scores = {3: (broken, 9.0), 7: (-5.0, 0.0), 5: (-9.0, 0.0)}
    answer = await ask(world, RecommendQuery(max_results=3), snapshot)
    assert ids(answer) == ["i7", "i5", "i3"]
    assert answer.items[2].score == 0.0
    assert answer.items[2].objective_scores == {}
    assert answer.degradations == [Degradation(Stage.RANKING, Reason.ERROR)]


async def test_popular_items_fill_up_what_the_funnel_lacks(snapshot: GatewaySnapshot) -> None:
    """They come after what was found, the most popular first, past the same filters, and say what they are."""
    world = World()
    world.recall.found = rows(9)
    query = RecommendQuery(
        max_results=4, exclude_item_ids=("i0",), conditions=(Condition("category", ("even",), True),)
    )
    answer = await ask(world, query, snapshot)
    assert ids(answer) == ["i9", "i1", "i3", "i5"]
    assert [one.backfilled for one in answer.items] == [False, True, True, True]
    assert [one.score for one in answer.items[1:]] == [0.0, 0.0, 0.0]


async def test_what_filters_remove_is_counted(snapshot: GatewaySnapshot) -> None:
    """Each filter reports how many of recall's candidates it removed; the fill-up is not counted."""
    world = World()
    world.feature_store.seen["ann"] = rows(1)
    world.recall.found = rows(1, 2, 2, 3, 4)
    query = RecommendQuery("ann", exclude_item_ids=("i3",), conditions=(Condition("year", ("2002",), True),))
    answer = await ask(world, query, snapshot)
    assert answer.removed == {"duplicate": 1, "excluded": 1, "seen": 1, "attributes": 1}


async def test_more_is_fetched_when_few_items_meet_the_conditions(snapshot: GatewaySnapshot) -> None:
    """Half of the catalogue passing means twice the candidates, up to the limit, and no more are ranked than ever."""
    world = World(limits=PipelineLimits(BUDGETS, max_candidates=3, max_fetched=7))
    world.recall.found = rows(*range(7))
    half = await ask(world, RecommendQuery(conditions=(Condition("category", ("even",)),)), snapshot)
    assert world.recall.asked == 6
    assert world.ranking.ranked is not None
    assert world.ranking.ranked.tolist() == [0, 2, 4]
    assert half.removed["attributes"] == 3
    await ask(world, RecommendQuery(conditions=(Condition("year", ("2001",)),)), snapshot)
    assert world.recall.asked == 7
    await ask(world, RecommendQuery(), snapshot)
    assert world.recall.asked == 3


async def test_the_servers_diversity_holds_where_a_request_is_silent(snapshot: GatewaySnapshot) -> None:
    """The configured strength alternates categories; a request that says 0 gets the order of scores."""
    world = World(limits=PipelineLimits(BUDGETS, diversity=1.0))
    world.recall.found = rows(2, 4, 6, 1)
    world.ranking.scores = {2: (4.0, 0.0), 4: (3.0, 0.0), 6: (2.0, 0.0), 1: (1.0, 0.0)}
    assert ids(await ask(world, RecommendQuery(max_results=3), snapshot)) == ["i2", "i1", "i4"]
    assert ids(await ask(world, RecommendQuery(max_results=3, diversity=0.0), snapshot)) == ["i2", "i4", "i6"]


async def test_features_are_read_for_what_passed_the_filters(snapshot: GatewaySnapshot) -> None:
    """What will not be shown is neither read nor scored."""
    world = World()
    world.recall.found = rows(3, 7, 5)
    await ask(world, RecommendQuery(exclude_item_ids=("i7",)), snapshot)
    assert world.feature_store.items_asked is not None
    assert world.feature_store.items_asked.tolist() == [3, 5]
    assert world.ranking.ranked is not None
    assert world.ranking.ranked.tolist() == [3, 5]


async def test_an_empty_catalogue_gives_an_empty_answer() -> None:
    """There is nothing to recommend, and that is no failure."""
    answer = await ask(World(), RecommendQuery("ann", diversity=0.5), snapshot_of([]))
    assert list(answer.items) == []
    assert answer.degradations == []


def test_rows_travel_as_unsigned() -> None:
    """The fakes speak the dtype of the wire, so that the pipeline is tested with it."""
    assert rows(1).dtype == np.uint32
