"""Explain shows the whole funnel of the answer that Recommend gives."""

from typing import Any

import numpy as np
import pytest

from shared.tensors import FLOAT32, UINT32, decode, with_tensors
from tests.contract.gateway.conftest import Suite
from tests.contract.gateway.neighbours import FOUND, answers, found_response, score_response, user_response
from winnow.feature_store.v1 import feature_store_service_pb2 as feature_store_pb
from winnow.gateway.v1 import gateway_service_pb2 as pb

PRESENT, DEFAULT, EXPIRED = pb.FEATURE_STATE_PRESENT, pb.FEATURE_STATE_DEFAULT, pb.FEATURE_STATE_EXPIRED


async def finds_unless_told(request: Any, _: Any) -> Any:
    """Recall that does as it is told: the seen item 3 is the second of five, and the excluded 5 the last of six."""
    excluded = decode(request.excluded_rows, "excluded_rows", UINT32, [None]).tolist()
    return found_response(*[row for row in (30, 3, 10, 20, 40, 5) if row not in excluded])


def of(explained: pb.ExplainResponse, item_id: str) -> pb.ItemExplanation:
    """The explanation of an item."""
    (found,) = [one for one in explained.items if one.item_id == item_id]
    return found


def removed(explained: pb.ExplainResponse) -> dict[str, tuple[int, int, list[str]]]:
    """What each filter removed: how many, how many of them recall left out, and which."""
    return {step.filter: (step.removed, step.left_out, list(step.item_ids)) for step in explained.filters}


async def test_the_answer_is_that_of_recommend(suite: Suite) -> None:
    """Same items, scores, channels and snapshot; only the times and the id differ."""
    options: dict[str, Any] = {"max_results": 6, "diversity": 0.5, "session_item_ids": ["item-00004"]}
    explained, plain = (await suite.explain(**options)).response, await suite.recommend(**options)
    assert list(explained.items) == list(plain.items)
    assert (explained.snapshot_id, explained.known_user) == (plain.snapshot_id, plain.known_user)
    assert [timing.stage for timing in explained.timings] == [timing.stage for timing in plain.timings]
    assert explained.request_id


async def test_every_channel_tells_what_became_of_what_it_found(suite: Suite) -> None:
    """Six found, one of them by both channels; the seen and the excluded one are not kept, and three are shown."""

    async def finds(request: Any, context: Any) -> Any:
        found = await finds_unless_told(request, context)
        rows = decode(found.candidate_rows, "candidate_rows", UINT32, [None])
        return found_response(*rows, found_by=np.where(rows == 40, 3, np.where(rows == 5, 2, 1)).astype(np.uint32))

    suite.neighbours.behaviours["Retrieve"] = finds
    explained = await suite.explain(max_results=3, exclude_item_ids=["item-00005"])
    assert explained.found == 6
    assert explained.ranked == 4
    assert list(explained.channels) == [
        pb.ChannelFunnel(channel="two_tower", found=5, kept=4, shown=3),
        pb.ChannelFunnel(channel="content", found=2, kept=1, shown=1),
        pb.ChannelFunnel(channel="popularity"),
    ]


async def test_a_filter_names_what_recall_left_out_for_its_sake(suite: Suite) -> None:
    """What recall was told not to find would otherwise look as if nothing had been removed."""
    suite.neighbours.behaviours["Retrieve"] = finds_unless_told
    explained = await suite.explain(exclude_item_ids=["item-00005"])
    assert removed(explained) == {
        "duplicate": (0, 0, []),
        "excluded": (1, 1, ["item-00005"]),
        "seen": (1, 1, ["item-00003"]),
        "attributes": (0, 0, []),
    }
    assert all(step.reason for step in explained.filters)


async def test_filters_name_what_they_removed_of_what_was_found(suite: Suite) -> None:
    """A recall that does not do as it is told is made good here, and each item is removed once."""
    suite.neighbours.behaviours["Retrieve"] = answers(found_response(30, 30, 3, 5, 10))
    catalogue = suite.gateway.agreement.active.catalogue
    language = pb.AttributeFilter(field="language", any_of=[str(catalogue[30].attributes["language"])])
    explained = await suite.explain(exclude_item_ids=["item-00005"], filters=[language])
    other = ["item-00010"] if catalogue[10].attributes["language"] != catalogue[30].attributes["language"] else []
    assert removed(explained) == {
        "duplicate": (1, 0, ["item-00030"]),
        "excluded": (1, 0, ["item-00005"]),
        "seen": (1, 0, ["item-00003"]),
        "attributes": (len(other), 0, other),
    }


async def test_at_most_a_hundred_removed_items_are_named(suite: Suite) -> None:
    """The number is told in full."""
    suite.neighbours.behaviours["Retrieve"] = answers(found_response(*[3] * 150))
    seen = next(step for step in (await suite.explain()).filters if step.filter == "duplicate")
    assert (seen.removed, len(seen.item_ids)) == (149, 100)


async def test_the_users_features_tell_value_state_and_age(suite: Suite) -> None:
    """The gender was written a minute ago; the age has outlived its time to live, so its value is the default: none."""
    gender, age = (await suite.explain()).user_features
    assert (gender.name, gender.value.text, gender.state, gender.age.seconds) == ("gender", "F", PRESENT, 60)
    assert (age.name, age.HasField("value"), age.state, age.age.seconds) == ("age", False, EXPIRED, 90_000)


async def test_nothing_is_made_up_where_the_feature_store_does_not_tell(suite: Suite) -> None:
    """What came with the request is known; the rest has neither value nor state."""
    suite.neighbours.behaviours["GetUsers"] = answers(user_response())
    gender, age = (await suite.explain(user_attributes={"age": pb.AttributeValue(number=31)})).user_features
    assert gender == pb.FeatureValue(name="gender")
    assert age == pb.FeatureValue(name="age", value=pb.AttributeValue(number=31), state=PRESENT)


async def test_nobodys_features_are_those_of_the_request_and_defaults(suite: Suite) -> None:
    """There is nobody to ask about; an attribute of the wrong type is none."""
    attributes = {"gender": pb.AttributeValue(text="M"), "age": pb.AttributeValue(text="old")}
    gender, age = (await suite.explain(user_id="", user_attributes=attributes)).user_features
    assert gender == pb.FeatureValue(name="gender", value=pb.AttributeValue(text="M"), state=PRESENT)
    assert age == pb.FeatureValue(name="age", state=DEFAULT)


async def test_a_feature_of_the_request_has_no_age(suite: Suite) -> None:
    """It was not written, whatever was stored under its name before."""
    gender, age = (await suite.explain(user_attributes={"gender": pb.AttributeValue(text="F")})).user_features
    assert (gender.state, gender.HasField("age"), age.HasField("age")) == (PRESENT, False, True)


async def test_only_an_explanation_asks_for_states(suite: Suite) -> None:
    """They cost the feature store time that a recommendation has no use for."""
    await suite.recommend()
    assert [request.include_states for method, request in suite.neighbours.calls if method[:3] == "Get"] == [False] * 2
    suite.neighbours.calls.clear()
    await suite.explain()
    assert [request.include_states for method, request in suite.neighbours.calls if method[:3] == "Get"] == [
        *(True, False, True)
    ]


async def test_the_history_is_what_the_models_saw(suite: Suite) -> None:
    """Oldest first, the session last; and how many items count as seen."""
    explained = await suite.explain(session_item_ids=["item-00004", "item-00003"])
    assert list(explained.history_item_ids) == ["item-00001", "item-00002", "item-00004", "item-00003"]
    assert explained.seen_items == 4


async def test_an_items_features_tell_name_value_and_state(suite: Suite) -> None:
    """Written, the snapshot's own, and the snapshot's own because what was written has expired."""
    written, own, expired = of(await suite.explain(), "item-00040").features
    names = suite.neighbours.manifest.feature_schema.item_features
    assert [feature.name for feature in (written, own, expired)] == list(names)
    assert [feature.value.number for feature in (written, own, expired)] == [40.0] * 3
    assert [feature.state for feature in (written, own, expired)] == [PRESENT, PRESENT, EXPIRED]
    assert (written.age.seconds, own.HasField("age"), expired.age.seconds) == (3600, False, 7200)


async def test_what_was_ranked_is_explained_by_the_features_that_it_was_ranked_by(suite: Suite) -> None:
    """Whatever is written in between: an item that was not ranked has the newer ones."""

    async def grows(request: Any, _: Any) -> Any:
        calls = suite.neighbours.methods.count("GetItems")
        features = np.full((request.rows.shape[0], 3), calls, np.float32)
        return with_tensors(feature_store_pb.GetItemsResponse(), features=features)

    suite.neighbours.behaviours["GetItems"] = grows
    explained = await suite.explain("item-00049", max_results=1)
    assert [feature.value.number for feature in of(explained, "item-00040").features] == [1.0] * 3
    assert [feature.value.number for feature in of(explained, "item-00049").features] == [2.0] * 3


async def test_places_show_what_each_step_moved(suite: Suite) -> None:
    """Recall had 30 first; by score 40 is; variety brings up what is unlike it."""
    plain = await suite.explain(max_results=4)
    order = {one.item_id: (one.recall_place, one.score_place, one.place) for one in plain.items}
    assert order == {
        "item-00040": (4, 1, 1),
        "item-00030": (1, 2, 2),
        "item-00020": (3, 3, 3),
        "item-00010": (2, 4, 4),
    }
    varied = await suite.explain(max_results=4, diversity=1.0)
    assert [one.place for one in varied.items] == [1, 2, 3, 4]
    assert sorted(one.score_place for one in varied.items) == [1, 2, 3, 4]
    assert [one.item_id for one in varied.items] == [one.item_id for one in varied.response.items]
    assert {one.item_id: one.score for one in varied.items} == {one.item_id: one.score for one in plain.items}


@pytest.mark.parametrize(
    ("item_id", "outcome", "removed_by", "places"),
    [
        ("item-00010", pb.OUTCOME_NOT_CHOSEN, "", (2, 4, 0)),
        ("item-00003", pb.OUTCOME_REMOVED, "seen", (2, 0, 0)),
        ("item-00002", pb.OUTCOME_REMOVED, "seen", (0, 0, 0)),
        ("item-00005", pb.OUTCOME_REMOVED, "excluded", (6, 0, 0)),
        ("item-00049", pb.OUTCOME_NOT_FOUND, "", (0, 0, 0)),
        ("item-00040", pb.OUTCOME_SHOWN, "", (4, 1, 1)),
    ],
)
async def test_an_item_that_is_missed_has_a_reason(
    suite: Suite, item_id: str, outcome: pb.Outcome.ValueType, removed_by: str, places: tuple[int, int, int]
) -> None:
    """Not chosen, removed though it would be found, removed though nobody finds it, not found, or there after all."""
    suite.neighbours.behaviours["Retrieve"] = finds_unless_told
    explained = await suite.explain(item_id, max_results=1, exclude_item_ids=["item-00005"])
    one = of(explained, item_id)
    assert (one.outcome, one.removed_by) == (outcome, removed_by)
    assert (one.recall_place, one.score_place, one.place) == places
    assert bool(one.channels) == bool(places[0])
    assert one.title


async def test_an_item_that_meets_no_condition_names_the_filter(suite: Suite) -> None:
    """Removed by "attributes"."""
    french = pb.AttributeFilter(field="language", any_of=["no such language"])
    one = of(await suite.explain("item-00030", filters=[french]), "item-00030")
    assert (one.outcome, one.removed_by, one.recall_place) == (pb.OUTCOME_REMOVED, "attributes", 1)


async def test_items_of_the_answer_come_first_and_none_twice(suite: Suite) -> None:
    """Those asked for follow in the order of the request."""
    asked = ["item-00049", "item-00040", "item-00048", "item-00049"]
    explained = await suite.explain(*asked, max_results=2)
    ids = [one.item_id for one in explained.items]
    assert ids == ["item-00040", "item-00030", "item-00049", "item-00048"]


async def test_what_fills_up_the_answer_is_explained_as_found_by_nobody(suite: Suite) -> None:
    """It has a place in the answer, and no other."""
    explained = await suite.explain(max_results=6)
    filled = explained.items[5]
    assert (filled.outcome, filled.place, filled.recall_place, filled.score_place) == (pb.OUTCOME_SHOWN, 6, 0, 0)
    assert list(filled.channels) == []
    assert filled.score == 0.0
    assert filled.objectives  # what it would have been scored by


async def test_all_that_is_compared_travels_in_one_call(suite: Suite) -> None:
    """Two Score calls: the answer's, and one with eight coalitions and without each of two items of the history."""
    await suite.explain("item-00049", max_results=2)
    scored = [request for method, request in suite.neighbours.calls if method == "Score"]
    assert len(scored) == 2
    rows = decode(scored[1].candidate_rows, "candidate_rows", UINT32, [None])
    assert rows.tolist() == [40, 30, 49] * 10
    assert decode(scored[1].candidate_offsets, "candidate_offsets", UINT32, [11]).tolist() == list(range(0, 31, 3))
    histories = np.diff(decode(scored[1].history_offsets, "history_offsets", UINT32, [11]))
    assert histories.tolist() == [0, 0, 2, 2, 0, 0, 2, 2, 1, 1]
    features = decode(scored[1].written_features, "written_features", FLOAT32, [30, 3])[:, 0].reshape(10, 3)
    assert features[0].tolist() == [np.mean(FOUND)] * 3
    assert features[7:].tolist() == [[40.0, 30.0, 49.0]] * 3


async def test_contributions_of_a_score_are_its_shapley_values(suite: Suite) -> None:
    """10 for a history, and 6 where there is a feature above the mean besides: half of the 6 goes to each of the two."""

    async def scores(request: Any, _: Any) -> Any:
        lengths = np.diff(decode(request.history_offsets, "history_offsets", UINT32, [None]))
        counts = np.diff(decode(request.candidate_offsets, "candidate_offsets", UINT32, [None]))
        history = np.repeat(lengths > 0, counts)
        feature = decode(request.written_features, "written_features", FLOAT32, [None, 3])[:, 0]
        score = 10.0 * history + feature + 6.0 * (history & (feature > np.mean(FOUND)))
        return score_response(np.stack([score, -score], axis=1).astype(np.float32), ("click", "like"))

    suite.neighbours.behaviours["Score"] = scores
    click, like = of(await suite.explain(), "item-00040").objectives
    assert (click.objective, click.score, click.baseline) == ("click", 56.0, 25.0)
    contributions = {one.group: one.value for one in click.contributions}
    assert contributions == pytest.approx({"user_features": 0.0, "history": 13.0, "item_features": 18.0})
    assert {one.group: one.value for one in like.contributions} == pytest.approx(
        {"user_features": 0.0, "history": -13.0, "item_features": -18.0}
    )


async def test_a_caller_may_say_what_the_request_is_called(suite: Suite) -> None:
    """Its id goes to every neighbour and comes back."""
    explained = await suite.explain(request_id="why")
    assert explained.response.request_id == "why"
    assert set(suite.neighbours.request_ids) == {"why"}
