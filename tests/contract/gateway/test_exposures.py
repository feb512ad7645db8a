"""What is shown is logged through the feature store after the answer, and says what was done."""

import asyncio
import time

import pytest

from services.gateway.experiments.definition import Arm, Experiment, Experiments
from shared.errors import Unavailable
from tests.contract.gateway.conftest import StartSuite, Suite
from tests.contract.gateway.neighbours import hangs, refuses
from winnow.gateway.v1 import gateway_service_pb2 as pb


async def flush(suite: Suite) -> None:
    """Sends what was offered."""
    assert suite.gateway.exposures is not None
    await suite.gateway.exposures.flush(60)


async def test_an_answer_is_logged_as_it_was_given(suite: Suite) -> None:
    """Items, scores, propensities and channels, for the user and the request."""
    before = time.time_ns() // 1_000_000
    response = await suite.recommend(request_id="r-1", max_results=6)
    assert suite.neighbours.exposures == []
    await flush(suite)
    [exposure] = suite.neighbours.exposures
    assert (exposure.request_id, exposure.user_id, exposure.snapshot_id) == ("r-1", "ann", "s1")
    assert before <= exposure.shown_at_ms <= time.time_ns() // 1_000_000
    assert list(exposure.item_ids) == [item.item_id for item in response.items]
    assert list(exposure.scores) == [item.score for item in response.items]
    assert list(exposure.propensities) == [item.propensity for item in response.items] == [1.0] * 6
    found = [[hit.channel for hit in item.channels] for item in response.items]
    channels = list(exposure.channels)
    assert [[name for c, name in enumerate(channels) if bits >> c & 1] for bits in exposure.found_by] == found
    assert (exposure.experiment_arm, list(exposure.degraded_stages)) == ("", [])


async def test_answers_of_a_time_are_logged_in_one_call(suite: Suite) -> None:
    """A call for each would cost as much as an answer."""
    await asyncio.gather(*(suite.recommend(request_id=f"r-{number}") for number in range(20)))
    await flush(suite)
    assert len({exposure.request_id for exposure in suite.neighbours.exposures}) == 20
    assert "LogExposures" not in suite.neighbours.methods


async def test_what_is_untracked_leaves_no_trace(start_suite: StartSuite) -> None:
    """Neither in the log, nor in an experiment, nor explored."""
    experiments = Experiments((Experiment("x", (Arm("a", 1.0, exploration=5.0),)),))
    suite = await start_suite(experiments, exploration=5.0)
    for number in range(10):
        response = await suite.recommend(untracked=True, request_id=f"r-{number}")
        assert (response.experiment_arm, {item.propensity for item in response.items}) == ("", {1.0})
    await flush(suite)
    assert suite.neighbours.exposures == []


async def test_the_log_can_be_turned_off(start_suite: StartSuite) -> None:
    """Then nothing is kept, and nothing runs."""
    suite = await start_suite(exposure_log="off")
    await suite.recommend()
    assert suite.gateway.exposures is None
    assert suite.gateway.exposures not in suite.gateway.background


@pytest.mark.parametrize("behaviour", [hangs, refuses(Unavailable("draining"))], ids=["hangs", "fails"])
async def test_a_log_that_does_not_work_harms_no_answer(start_suite: StartSuite, behaviour: object) -> None:
    """Answers are whole and in time, and the feature store is not taken to be down."""
    suite = await start_suite(circuit_failures=1)
    suite.neighbours.behaviours["LogExposures"] = behaviour  # type: ignore[assignment]
    assert suite.gateway.exposures is not None
    for _ in range(3):
        assert not (await suite.recommend()).degradations
        await suite.gateway.exposures.flush(0.1)  # long enough for a failure to count
    assert not (await suite.recommend(request_id="last")).degradations
    del suite.neighbours.behaviours["LogExposures"]
    await flush(suite)
    assert [exposure.request_id for exposure in suite.neighbours.exposures][-1] == "last"
    assert len(suite.neighbours.exposures) == 4


async def test_what_was_shown_is_logged_before_the_gateway_ends(suite: Suite) -> None:
    """A graceful end loses nothing."""
    await suite.recommend(request_id="last")
    await suite.gateway.close()
    assert [exposure.request_id for exposure in suite.neighbours.exposures] == ["last"]


async def test_an_explored_answer_says_how_probable_it_was(start_suite: StartSuite) -> None:
    """In the answer and in the log; a retry of the request gets the same."""
    suite = await start_suite(exploration=2.0)
    response = await suite.recommend(request_id="r-1", max_results=6)
    again = await suite.recommend(request_id="r-1", max_results=6)
    assert [item.item_id for item in again.items] == [item.item_id for item in response.items]
    propensities = [item.propensity for item in response.items]
    assert all(0 < propensity < 1 for propensity in propensities[:3])
    assert propensities[3:] == [1.0] * 3  # the last candidate, and what fills up
    orders = [[item.item_id for item in (await suite.recommend()).items] for _ in range(30)]
    assert len({tuple(order) for order in orders}) > 1
    await flush(suite)
    assert list(suite.neighbours.exposures[0].propensities) == propensities


async def test_a_similar_item_is_not_logged(suite: Suite) -> None:
    """It is for nobody in particular, and in no experiment."""
    response = await suite.stub.RecommendSimilar(pb.RecommendSimilarRequest(item_id="item-00001"), timeout=60)
    assert {item.propensity for item in response.items} == {1.0}
    await flush(suite)
    assert suite.neighbours.exposures == []
