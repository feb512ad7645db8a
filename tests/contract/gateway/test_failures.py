"""Whatever a neighbour does, Recommend answers in full and names the stage and the reason."""

from typing import Any

import grpc
import numpy as np
import pytest

from shared.errors import Overloaded, SnapshotNotHeld, Unavailable
from tests.contract.gateway.conftest import StartSuite, Suite
from tests.contract.gateway.neighbours import (
    Behaviour,
    answers,
    fails,
    found_response,
    hangs,
    refuses,
    score_response,
    user_response,
)
from winnow.feature_store.v1 import feature_store_service_pb2 as feature_store_pb
from winnow.gateway.v1 import gateway_service_pb2 as pb
from winnow.ranking.v1 import ranking_service_pb2 as ranking_pb
from winnow.recall.v1 import recall_service_pb2 as recall_pb

STAGES = {
    "GetUsers": pb.STAGE_USER_FEATURES,
    "Retrieve": pb.STAGE_RECALL,
    "GetItems": pb.STAGE_CANDIDATE_FEATURES,
    "Score": pb.STAGE_RANKING,
}

FAILURES: dict[str, tuple[Behaviour, pb.DegradationReason.ValueType]] = {
    "drains": (refuses(Unavailable("draining")), pb.DEGRADATION_REASON_UNAVAILABLE),
    "is overloaded": (refuses(Overloaded("busy")), pb.DEGRADATION_REASON_OVERLOADED),
    "has another snapshot": (refuses(SnapshotNotHeld("s1", ["s0"])), pb.DEGRADATION_REASON_SNAPSHOT),
    "gives up": (fails(grpc.StatusCode.DEADLINE_EXCEEDED), pb.DEGRADATION_REASON_DEADLINE),
    "refuses without a reason": (fails(grpc.StatusCode.FAILED_PRECONDITION), pb.DEGRADATION_REASON_ERROR),
    "refuses the request": (fails(grpc.StatusCode.INVALID_ARGUMENT), pb.DEGRADATION_REASON_ERROR),
    "breaks": (fails(grpc.StatusCode.INTERNAL), pb.DEGRADATION_REASON_ERROR),
    "is another service": (fails(grpc.StatusCode.UNIMPLEMENTED), pb.DEGRADATION_REASON_ERROR),
}

FLOATS = np.zeros((4, 2), np.float32)

GARBAGE: list[tuple[str, Any]] = [
    ("GetUsers", feature_store_pb.GetUsersResponse()),
    ("GetUsers", user_response(features=np.zeros((1, 5), np.float32))),
    ("GetUsers", user_response(features=np.full((1, 6), np.nan, np.float32))),
    ("GetUsers", user_response(seen_offsets=np.array([1, 3], np.uint32))),
    ("GetUsers", user_response(known=np.ones(2, np.uint8))),
    ("Retrieve", recall_pb.RetrieveResponse()),
    ("Retrieve", found_response(50)),
    ("Retrieve", found_response(1, 50, stand_in_rows=np.array([[1], [2]], np.uint32))),
    ("Retrieve", found_response(1, 50, stand_in_rows=np.array([[50]], np.uint32))),
    ("Retrieve", found_response(1, 50, stand_in_rows=np.zeros((1, 0), np.uint32))),
    ("Retrieve", found_response(1, 2, found_by=np.ones(1, np.uint32))),
    ("Retrieve", found_response(1, 2, channel_scores=np.zeros((2, 1), np.float32))),
    ("Retrieve", found_response(1, channel_scores=np.full((1, 2), np.inf, np.float32))),
    ("Retrieve", found_response(1, 2, candidate_offsets=np.array([0, 1, 2], np.uint32))),
    ("Retrieve", found_response(1, channels=tuple(f"c{i}" for i in range(33)))),
    ("Retrieve", found_response(*range(50), *range(50), *[0] * 401)),
    ("GetItems", feature_store_pb.GetItemsResponse()),
    (
        "GetItems",
        feature_store_pb.GetItemsResponse(
            features=feature_store_pb.Tensor(dtype=feature_store_pb.DATA_TYPE_FLOAT32, shape=[4, 3], data=b"x")
        ),
    ),
    ("Score", ranking_pb.ScoreResponse()),
    ("Score", score_response(FLOATS, ("click",))),
    ("Score", score_response(FLOATS, ("like", "click"))),
    ("Score", score_response(FLOATS[:3], ("click", "like"))),
]


def degradation(method: str, reason: pb.DegradationReason.ValueType) -> pb.Degradation:
    """What the answer must say."""
    return pb.Degradation(stage=STAGES[method], reason=reason)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("method", STAGES)
async def test_a_neighbour_that_fails_is_done_without(suite: Suite, method: str, failure: str) -> None:
    """Ten items, and one degradation with the reason."""
    behaviour, reason = FAILURES[failure]
    suite.neighbours.behaviours[method] = behaviour
    response = await suite.recommend()
    assert len(response.items) == 10
    assert list(response.degradations) == [degradation(method, reason)]


@pytest.mark.parametrize(("method", "response_"), GARBAGE)
async def test_an_answer_that_cannot_be_used_is_done_without(suite: Suite, method: str, response_: Any) -> None:
    """Wrong shapes, unknown rows and numbers that are none never reach the caller, nor do they break the gateway."""
    suite.neighbours.behaviours[method] = answers(response_)
    response = await suite.recommend()
    assert len(response.items) == 10
    assert list(response.degradations) == [degradation(method, pb.DEGRADATION_REASON_ERROR)]


async def test_a_broken_score_costs_one_candidate_its_place(suite: Suite) -> None:
    """NaN for one of four: the others are ranked, it comes last of them, and the answer says so."""
    scores = np.array([[np.nan, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]], np.float32)
    suite.neighbours.behaviours["Score"] = answers(score_response(scores, ("click", "like")))
    response = await suite.recommend(max_results=4)
    assert [item.item_id for item in response.items] == ["item-00040", "item-00020", "item-00010", "item-00030"]
    assert list(response.degradations) == [degradation("Score", pb.DEGRADATION_REASON_ERROR)]


async def test_with_every_neighbour_failing_popular_items_are_shown(suite: Suite) -> None:
    """The answer is full, comes from the gateway's own copy, and names every stage that was asked."""
    suite.neighbours.behaviours |= dict.fromkeys(STAGES, fails(grpc.StatusCode.INTERNAL))
    response = await suite.recommend()
    popular = suite.gateway.agreement.active.popular_rows[:10]
    assert [item.item_id for item in response.items] == [f"item-{row:05d}" for row in popular]
    assert list(response.degradations) == [degradation(method, pb.DEGRADATION_REASON_ERROR) for method in STAGES]


@pytest.mark.parametrize(("behaviour", "attempts"), [("drains", 3), ("breaks", 1), ("is overloaded", 1)])
async def test_only_unavailable_is_tried_again(suite: Suite, behaviour: str, attempts: int) -> None:
    """Anything else would fail again, or make a busy neighbour busier."""
    suite.neighbours.behaviours["Retrieve"] = FAILURES[behaviour][0]
    await suite.recommend()
    assert suite.neighbours.methods.count("Retrieve") == attempts


async def test_a_neighbour_that_does_not_answer_costs_its_budget(start_suite: StartSuite) -> None:
    """Each of the stages gives up at its own time, and none waits for the request's deadline."""
    budgets = ("user_features", "recall", "candidate_features", "ranking")
    suite = await start_suite(**{f"{stage}_budget_ms": 50 for stage in budgets})
    suite.neighbours.behaviours |= dict.fromkeys(STAGES, hangs)
    response = await suite.recommend()
    assert len(response.items) == 10
    assert {one.reason for one in response.degradations} == {pb.DEGRADATION_REASON_DEADLINE}


async def test_an_answer_beats_a_short_deadline(start_suite: StartSuite) -> None:
    """With 50 ms to live and a ranking that hangs, the caller gets items, not DEADLINE_EXCEEDED."""
    suite = await start_suite(deadline_margin_ms=20)
    await suite.recommend()  # connections are made
    suite.neighbours.behaviours["Score"] = hangs
    response = await suite.stub.Recommend(pb.RecommendRequest(user_id="ann"), timeout=0.05)
    assert len(response.items) == 10
    assert response.degradations[-1].reason == pb.DEGRADATION_REASON_DEADLINE


async def test_a_neighbour_that_is_down_is_not_asked_for_a_while(start_suite: StartSuite) -> None:
    """After failures in a row no call is made, and the answer still says why the stage is missing."""
    suite = await start_suite(circuit_failures=2)
    suite.neighbours.behaviours["Retrieve"] = fails(grpc.StatusCode.UNAVAILABLE)
    for _ in range(2):
        await suite.recommend()
    suite.neighbours.calls.clear()
    response = await suite.recommend()
    assert suite.neighbours.methods == ["GetUsers", "GetItems", "Score"]
    assert list(response.degradations) == [degradation("Retrieve", pb.DEGRADATION_REASON_UNAVAILABLE)]


async def test_a_neighbour_that_comes_back_is_asked_again(start_suite: StartSuite) -> None:
    """Once it tells its snapshots, the next request finds it well, and answers are whole again."""
    suite = await start_suite(circuit_failures=1)
    suite.neighbours.behaviours["Retrieve"] = fails(grpc.StatusCode.UNAVAILABLE)
    assert (await suite.recommend()).degradations
    del suite.neighbours.behaviours["Retrieve"]
    assert (await suite.recommend()).degradations
    await suite.gateway.agreement.poll()
    assert not (await suite.recommend()).degradations


async def test_a_neighbour_can_be_known_to_be_down_before_a_request_waits(start_suite: StartSuite) -> None:
    """The question for its snapshots finds out as well."""
    suite = await start_suite(circuit_failures=1)
    suite.neighbours.held["recall"] = None
    await suite.gateway.agreement.poll()
    response = await suite.recommend()
    assert "Retrieve" not in suite.neighbours.methods
    assert list(response.degradations) == [degradation("Retrieve", pb.DEGRADATION_REASON_UNAVAILABLE)]


async def test_a_hurried_caller_does_not_make_a_neighbour_look_down(start_suite: StartSuite) -> None:
    """Only a call that had a fair time to be answered counts against the neighbour."""
    suite = await start_suite(circuit_failures=1, ranking_budget_ms=20)
    suite.neighbours.behaviours["Score"] = hangs
    assert (await suite.recommend()).degradations
    del suite.neighbours.behaviours["Score"]
    suite.neighbours.calls.clear()
    await suite.recommend()
    assert "Score" in suite.neighbours.methods


async def test_nothing_listening_is_unavailable(start_suite: StartSuite) -> None:
    """A refused connection is not waited for."""
    suite = await start_suite(ranking_target="127.0.0.1:1")
    response = await suite.recommend(max_results=4)
    assert [item.item_id for item in response.items] == ["item-00030", "item-00010", "item-00020", "item-00040"]
    assert list(response.degradations) == [degradation("Score", pb.DEGRADATION_REASON_UNAVAILABLE)]
