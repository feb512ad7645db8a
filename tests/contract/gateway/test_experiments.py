"""An arm changes what it names for its users, and what a request says itself is done."""

import pytest
from prometheus_client import REGISTRY

from services.gateway.experiments.definition import Arm, Experiment, Experiments
from tests.contract.gateway.conftest import StartSuite, Suite
from tests.snapshot_factory import build_snapshot

BY_LIKE_ALONE = Arm("likes", 1.0, {"click": 0.0, "like": 3.0})


def one_arm(arm: Arm) -> Experiments:
    """An experiment that everybody is in, in the same arm."""
    return Experiments((Experiment("x", (arm,)),))


def scores(response: object) -> list[float]:
    """The scores of the ranked items."""
    return [item.score for item in response.items if item.objective_scores]  # type: ignore[attr-defined]


async def test_an_arm_weighs_objectives_and_is_named_in_the_answer(start_suite: StartSuite) -> None:
    """In the fake, every like is 0.5; so everything scores 1.5."""
    suite = await start_suite(one_arm(BY_LIKE_ALONE))
    response = await suite.recommend()
    assert response.experiment_arm == "x/likes"
    assert scores(response) == [1.5] * 4
    assert suite.gateway.exposures is not None
    await suite.gateway.exposures.flush(60)
    assert [exposure.experiment_arm for exposure in suite.neighbours.exposures] == ["x/likes"]


async def test_what_a_request_says_wins_over_its_arm(start_suite: StartSuite) -> None:
    """Weight by weight, and it stays in the arm."""
    suite = await start_suite(one_arm(BY_LIKE_ALONE))
    response = await suite.recommend(objective_weights={"like": 1.0})
    assert (response.experiment_arm, scores(response)) == ("x/likes", [0.5] * 4)


async def test_nobody_in_particular_is_in_no_arm(start_suite: StartSuite) -> None:
    """Without an id there is nobody to be always treated alike."""
    suite = await start_suite(one_arm(BY_LIKE_ALONE))
    response = await suite.recommend(user_id="")
    assert (response.experiment_arm, scores(response)[0]) == ("", 40.5)


async def test_answers_are_counted_by_arm(start_suite: StartSuite) -> None:
    """For a dashboard that sees an arm fall silent."""
    suite = await start_suite(one_arm(Arm("counted", 1.0)))
    await suite.recommend()
    await suite.recommend()
    assert REGISTRY.get_sample_value("winnow_gateway_experiment_answers_total", {"arm": "x/counted"}) == 2


async def publish(suite: Suite, snapshot_id: str) -> None:
    """Publishes a newer snapshot that every service holds beside the old one."""
    build_snapshot(suite.root, snapshot_id, items=50)
    suite.neighbours.hold(snapshot_id, "s1")
    await suite.gateway.follower.poll()
    await suite.gateway.agreement.poll()


@pytest.mark.parametrize(("wanted", "served"), [("previous", "s1"), ("s1", "s1"), ("s2", "s2"), ("current", "s2")])
async def test_an_arm_is_served_from_the_snapshot_it_names(start_suite: StartSuite, wanted: str, served: str) -> None:
    """The one before, or one by its id, while all services hold it."""
    suite = await start_suite(one_arm(Arm("a", 1.0, snapshot=wanted)))
    await publish(suite, "s2")
    response = await suite.recommend()
    assert (response.snapshot_id, response.experiment_arm) == (served, "x/a")
    assert suite.neighbours.request_of("Score").snapshot_id == served


@pytest.mark.parametrize("wanted", ["previous", "unknown"])
async def test_an_arm_whose_snapshot_is_not_held_is_not_served_in_its_name(
    start_suite: StartSuite, wanted: str
) -> None:
    """The answer is the default one and in no arm: what an arm is read from must be what it says."""
    suite = await start_suite(one_arm(Arm(f"of-{wanted}", 1.0, {"click": 0.0}, snapshot=wanted)))
    response = await suite.recommend()
    assert (response.snapshot_id, response.experiment_arm, scores(response)[0]) == ("s1", "", 40.5)
    skipped = REGISTRY.get_sample_value("winnow_gateway_experiment_skipped_total", {"arm": f"x/of-{wanted}"})
    assert (skipped, list(response.degradations)) == (1, [])


async def test_a_snapshot_that_a_neighbour_does_not_hold_any_more_is_not_served(start_suite: StartSuite) -> None:
    """The gateway alone cannot answer from it."""
    suite = await start_suite(one_arm(Arm("a", 1.0, snapshot="previous")))
    await publish(suite, "s2")
    suite.neighbours.held["ranking"] = ["s2"]
    await suite.gateway.agreement.poll()
    response = await suite.recommend()
    assert (response.snapshot_id, response.experiment_arm) == ("s2", "")
