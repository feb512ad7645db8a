"""An explanation shows the arm that serves the user, and leaves no trace of itself."""

from services.gateway.experiments.definition import Arm, Experiment, Experiments
from tests.contract.gateway.conftest import StartSuite

#: Everybody is in the one arm, in which clicks do not count and much is left to chance.
ONE_ARM = Experiments((Experiment("few", (Arm("likes", 1.0, objective_weights={"click": 0.0}, exploration=5.0),)),))


async def test_the_arm_is_that_of_the_user_and_its_policy_holds(start_suite: StartSuite) -> None:
    """Without clicks all scores are equal and recall's order stays; nothing is drawn by chance."""
    suite = await start_suite(ONE_ARM)
    for _ in range(5):
        explained = await suite.explain(max_results=4)
        assert explained.response.experiment_arm == "few/likes"
        assert [one.recall_place for one in explained.items] == [1, 2, 3, 4]
        assert {one.score for one in explained.items} == {0.5}
        assert {one.propensity for one in explained.response.items} == {1.0}


async def test_an_untracked_request_is_explained_without_the_arm(start_suite: StartSuite) -> None:
    """As it would be answered."""
    suite = await start_suite(ONE_ARM)
    explained = await suite.explain(max_results=4, untracked=True)
    assert explained.response.experiment_arm == ""
    assert [one.score_place for one in explained.items] == [1, 2, 3, 4]
    assert explained.items[0].score == 40.5


async def test_an_explanation_is_no_exposure(start_suite: StartSuite) -> None:
    """Nobody was shown anything: only the recommendation is logged."""
    suite = await start_suite(ONE_ARM)
    await suite.explain(request_id="explained")
    await suite.recommend(request_id="shown")
    assert suite.gateway.exposures is not None
    await suite.gateway.exposures.flush(60)
    assert [exposure.request_id for exposure in suite.neighbours.exposures] == ["shown"]
