"""Whatever a neighbour does, Explain answers, and says what the answer and what the explanation does without."""

from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest

from shared.tensors import encode, with_tensors
from tests.contract.gateway.conftest import StartSuite, Suite
from tests.contract.gateway.neighbours import (
    Behaviour,
    answers,
    fails,
    found_response,
    hangs,
    score_response,
    user_response,
    with_item_states,
    with_user_states,
)
from winnow.feature_store.v1 import feature_store_service_pb2 as feature_store_pb
from winnow.gateway.v1 import gateway_service_pb2 as pb

BROKEN = fails(grpc.StatusCode.INTERNAL)
FEATURES = [(pb.STAGE_CANDIDATE_FEATURES, pb.DEGRADATION_REASON_ERROR)]
RANKING = [(pb.STAGE_RANKING, pb.DEGRADATION_REASON_ERROR)]
RECALL = [(pb.STAGE_RECALL, pb.DEGRADATION_REASON_ERROR)]
USER = [(pb.STAGE_USER_FEATURES, pb.DEGRADATION_REASON_ERROR)]

Degraded = list[tuple[pb.Stage.ValueType, pb.DegradationReason.ValueType]]


def only_once(suite: Suite, method: str, then: Behaviour = BROKEN) -> None:
    """Lets a method answer the answer's question and fail the explanation's."""
    usual: dict[str, Callable[[], Any]] = {
        "Retrieve": lambda: found_response(30, 10, 20, 40),
        "GetItems": lambda: with_item_features(4),
        "Score": lambda: score_response(np.arange(8, dtype=np.float32).reshape(4, 2), ("click", "like")),
    }

    async def behave(request: Any, context: Any) -> Any:
        if suite.neighbours.methods.count(method) == 1:
            return usual[method]()
        return await then(request, context)

    suite.neighbours.behaviours[method] = behave


def with_item_features(items: int) -> Any:
    """What the feature store says of items, without whence it is."""
    return with_tensors(feature_store_pb.GetItemsResponse(), features=np.zeros((items, 3), np.float32))


def degraded(degradations: Any) -> Degraded:
    """Stages and reasons."""
    return [(one.stage, one.reason) for one in degradations]


async def test_without_ranking_there_are_no_scores_to_explain(suite: Suite) -> None:
    """The answer says so; items keep recall's place, and nothing was ranked."""
    suite.neighbours.behaviours["Score"] = BROKEN
    explained = await suite.explain(max_results=4)
    assert degraded(explained.response.degradations) == RANKING
    assert degraded(explained.degradations) == []
    assert explained.ranked == 0
    assert [(one.recall_place, one.score_place, one.place) for one in explained.items] == [
        (place, 0, place) for place in range(1, 5)
    ]
    assert not any(one.objectives for one in explained.items)
    assert all(one.features for one in explained.items)


async def test_without_the_candidates_features_neither_features_nor_scores_are_explained(suite: Suite) -> None:
    """Both the answer and the explanation wanted them."""
    suite.neighbours.behaviours["GetItems"] = BROKEN
    explained = await suite.explain()
    assert degraded(explained.response.degradations) == FEATURES
    assert degraded(explained.degradations) == FEATURES
    assert not any(one.objectives or one.features for one in explained.items)


async def test_without_recall_every_channel_failed(suite: Suite) -> None:
    """The items are popular ones that no channel found, and recall is not asked again what it left out."""
    suite.neighbours.behaviours["Retrieve"] = BROKEN
    explained = await suite.explain("item-00003")
    assert degraded(explained.response.degradations) == RECALL
    assert [(one.channel, one.found, one.failed) for one in explained.channels] == [
        ("two_tower", 0, True),
        ("content", 0, True),
        ("popularity", 0, True),
    ]
    assert {one.recall_place for one in explained.items} == {0}
    assert explained.items[-1].removed_by == "seen"
    assert explained.found == explained.ranked == 47  # all but what the user has seen
    assert suite.neighbours.methods.count("Retrieve") == 1
    assert all(one.objectives for one in explained.items)  # ranked all the same


async def test_a_channel_that_failed_is_named(suite: Suite) -> None:
    """The others are not."""
    response = found_response(30, 10)
    response.failed_channels.append("content")
    suite.neighbours.behaviours["Retrieve"] = answers(response)
    explained = await suite.explain()
    assert {one.channel: one.failed for one in explained.channels} == {
        "two_tower": False,
        "content": True,
        "popularity": False,
    }


async def test_without_the_user_the_models_saw_defaults(suite: Suite) -> None:
    """No history, nothing seen, and every field at its default but for what the request says."""
    suite.neighbours.behaviours["GetUsers"] = BROKEN
    explained = await suite.explain(user_attributes={"age": pb.AttributeValue(number=31)})
    assert degraded(explained.response.degradations) == USER
    assert [one.state for one in explained.user_features] == [pb.FEATURE_STATE_DEFAULT, pb.FEATURE_STATE_PRESENT]
    assert (list(explained.history_item_ids), explained.seen_items) == ([], 0)


async def test_without_contributions_the_rest_is_told(suite: Suite) -> None:
    """Only the explanation is degraded; the answer is whole and its places stand."""
    only_once(suite, "Score")
    explained = await suite.explain(max_results=4)
    assert degraded(explained.response.degradations) == []
    assert degraded(explained.degradations) == RANKING
    assert [one.score_place for one in explained.items] == [1, 2, 3, 4]
    assert not any(one.objectives for one in explained.items)


async def test_without_states_what_was_ranked_is_explained_by_what_it_was_ranked_by(suite: Suite) -> None:
    """An item that was not ranked has neither features nor scores; the others' features have no state."""
    only_once(suite, "GetItems")
    explained = await suite.explain("item-00049", max_results=4)
    assert degraded(explained.response.degradations) == []
    assert degraded(explained.degradations) == FEATURES
    *ranked, asked = explained.items
    assert all(one.objectives for one in ranked)
    assert {feature.state for one in ranked for feature in one.features} == {pb.FEATURE_STATE_UNSPECIFIED}
    assert (list(asked.objectives), list(asked.features)) == ([], [])
    assert asked.outcome == pb.OUTCOME_NOT_FOUND


async def test_without_what_was_left_out_the_filters_tell_what_they_know(suite: Suite) -> None:
    """The explanation says that it does without recall's second word."""
    only_once(suite, "Retrieve")
    explained = await suite.explain("item-00003")
    assert degraded(explained.degradations) == RECALL
    assert {step.left_out for step in explained.filters} == {0}
    assert explained.items[-1].removed_by == "seen"


@pytest.mark.parametrize("method", ["Retrieve", "GetItems", "Score"])
async def test_an_explanation_waits_for_no_neighbour_longer_than_its_budget(
    start_suite: StartSuite, method: str
) -> None:
    """It is told without."""
    suite = await start_suite(recall_budget_ms=80, candidate_features_budget_ms=80, ranking_budget_ms=80)
    only_once(suite, method, then=hangs)
    explained = await suite.explain()
    assert [one.reason for one in explained.degradations] == [pb.DEGRADATION_REASON_DEADLINE]


async def test_an_item_without_a_finite_score_has_no_contributions(suite: Suite) -> None:
    """The other objective, and the other items, are explained."""

    async def scores(request: Any, _: Any) -> Any:
        count = request.candidate_rows.shape[0]
        values = np.ones((count, 2), np.float32)
        values[0, 0] = np.nan
        return score_response(values, ("click", "like"))

    suite.neighbours.behaviours["Score"] = scores
    explained = await suite.explain(max_results=4)
    assert degraded(explained.response.degradations) == RANKING
    objectives = [[one.objective for one in item.objectives] for item in explained.items]
    assert sorted(objectives) == [["click", "like"]] * 3 + [["like"]]
    last = next(one for one in explained.items if one.item_id == "item-00030")
    assert (last.score_place, last.score) == (0, 0.0)


def _broken_user_states() -> list[Any]:
    unknown, short, narrow = (with_user_states(user_response()) for _ in range(3))
    unknown.field_states.data = bytes([1, 9])
    del short.values[:]
    narrow.field_ages.CopyFrom(encode(np.zeros((1, 1), np.uint32), feature_store_pb.Tensor))
    return [unknown, short, narrow]


@pytest.mark.parametrize("response", _broken_user_states())
async def test_states_of_a_user_that_cannot_be_used_cost_the_user(suite: Suite, response: Any) -> None:
    """As any answer that cannot be used: defaults, and the answer says so."""
    suite.neighbours.behaviours["GetUsers"] = answers(response)
    assert degraded((await suite.explain()).response.degradations) == USER


async def test_states_of_items_that_cannot_be_used_are_done_without(suite: Suite) -> None:
    """The explanation says so, and the answer is whole."""
    broken = with_item_states(with_item_features(10))
    broken.states.data = bytes([7]) * 30
    only_once(suite, "GetItems", then=answers(broken))
    explained = await suite.explain()
    assert degraded(explained.response.degradations) == []
    assert degraded(explained.degradations) == FEATURES
