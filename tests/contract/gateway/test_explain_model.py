"""What contributed to a score, with a real ONNX ranker behind the gateway."""

from typing import Any

import numpy as np
import pytest

from services.ranking.scoring import score
from services.ranking.servicer import batch_of
from services.ranking.snapshot import load_snapshot
from shared.features import UserFeatureTransform
from tests.contract.gateway.conftest import StartSuite, Suite
from tests.contract.gateway.neighbours import answers, score_response, user_response
from winnow.gateway.v1 import gateway_service_pb2 as pb


@pytest.fixture
async def modelled(start_suite: StartSuite) -> Suite:
    """A suite whose ranking runs the snapshot's model, and whose user is a woman with a history."""
    suite = await start_suite()
    manifest = suite.neighbours.manifest
    ranking = load_snapshot(suite.root / manifest.id, manifest, device="cpu", threads=1)

    async def behave(request: Any, _: Any) -> Any:
        return score_response(score(ranking.ranker, batch_of(request, ranking)), ranking.objectives)

    features = UserFeatureTransform(manifest.feature_schema.user_fields)({"gender": "F", "age": 31.0})
    suite.neighbours.behaviours["Score"] = behave
    suite.neighbours.behaviours["GetUsers"] = answers(user_response(features=features[None]))
    return suite


async def test_contributions_add_up_to_the_score(modelled: Suite) -> None:
    """Baseline and contributions make the score of every item and objective, and that is the answer's score."""
    explained = await modelled.explain("item-00049", "item-00003", max_results=8)
    assert len(explained.items) == 10
    for one in explained.items:
        assert [objective.objective for objective in one.objectives] == ["click", "like"]
        for objective in one.objectives:
            total = objective.baseline + sum(part.value for part in objective.contributions)
            assert total == pytest.approx(objective.score, rel=1e-9, abs=1e-9)
            assert any(part.value for part in objective.contributions)
    for shown, one in zip(explained.response.items, explained.items, strict=False):
        told = {objective.objective: objective.score for objective in one.objectives}
        assert shown.backfilled or told == pytest.approx(dict(shown.objective_scores), rel=1e-5, abs=1e-5)


async def test_contributions_are_what_the_models_terms_say(modelled: Suite) -> None:
    """The ranker of the factory adds a term for each group: what a group contributes is what its term changes by."""
    explained = await modelled.explain(max_results=4)
    same_user = {
        objective.objective: {part.group: part.value for part in objective.contributions}["user_features"]
        for objective in explained.items[0].objectives
    }
    for one in explained.items:
        for objective in one.objectives:
            parts = {part.group: part.value for part in objective.contributions}
            assert parts["user_features"] == pytest.approx(same_user[objective.objective], abs=1e-4)
    features = np.array([[feature.value.number for feature in one.features] for one in explained.items])
    terms = np.array(
        [
            [{p.group: p.value for p in o.contributions}["item_features"] for o in one.objectives]
            for one in explained.items
        ]
    )
    assert np.ptp(features, axis=0).all()  # features of the fakes are the row, so the term is proportional to it
    slopes = (terms[1:] - terms[0]) / (features[1:, :1] - features[0, :1])
    assert slopes == pytest.approx(np.broadcast_to(slopes[0], slopes.shape), rel=1e-3, abs=1e-4)


async def test_reasons_are_what_the_score_loses_without_an_item_of_the_history(modelled: Suite) -> None:
    """Asked without that item the same item is scored lower by that much, and no other item would cost it more."""
    history = ["item-00004", "item-00009", "item-00030", "item-00009"]
    whole = await modelled.explain(user_id="", session_item_ids=history, max_results=5, diversity=0.0)
    totals: dict[str, dict[str, float]] = {}
    for left_out in set(history):
        rest = [item for item in history if item != left_out]
        told = await modelled.explain(
            *[one.item_id for one in whole.items], user_id="", session_item_ids=rest, max_results=1, diversity=0.0
        )
        totals[left_out] = {one.item_id: sum(score.score for score in one.objectives) for one in told.items}

    assert any(one.because for one in whole.items)
    for one in whole.items:
        total = sum(score.score for score in one.objectives)
        losses = {item: total - of_items[one.item_id] for item, of_items in totals.items()}
        best_first = sorted((item for item in losses if losses[item] > 1e-5), key=lambda item: -losses[item])
        assert [reason.item_id for reason in one.because if reason.value > 1e-5] == best_first[:3]
        for reason in one.because:
            assert reason.value == pytest.approx(losses[reason.item_id], rel=1e-3, abs=1e-4)
            assert reason.title == f"Title {int(reason.item_id[-5:])}"


async def test_without_a_history_there_is_no_reason(modelled: Suite) -> None:
    """Nor anything made up."""
    explained = await modelled.explain(user_id="", max_results=3)
    assert all(not one.because for one in explained.items)


async def test_what_is_at_its_default_contributes_nothing(modelled: Suite) -> None:
    """A stranger without attributes and history: only the item's features tell one item from another."""
    explained = await modelled.explain(user_id="", max_results=3)
    for one in explained.items:
        for objective in one.objectives:
            parts = {part.group: part.value for part in objective.contributions}
            assert parts["user_features"] == parts["history"] == 0.0
            assert objective.score == pytest.approx(objective.baseline + parts["item_features"])


async def test_a_session_is_history(modelled: Suite) -> None:
    """What the session tells counts in the group of the history."""
    explained = await modelled.explain(user_id="", session_item_ids=["item-00004"], max_results=3)
    histories = [
        part.value
        for one in explained.items
        for objective in one.objectives
        for part in objective.contributions
        if part.group == "history"
    ]
    assert any(abs(value) > 1e-4 for value in histories)
    assert explained.items[0].outcome == pb.OUTCOME_SHOWN
