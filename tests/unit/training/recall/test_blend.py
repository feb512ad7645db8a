"""Blends against the models that they are made of."""

from typing import Any

import numpy as np
import pytest

from services.training.recall.model import RecallModel, Unsuitable
from services.training.recall.registry import RECALL_MODELS
from tests.unit.training.recall.small import MET, context, scores, small_data


def alone(name: str, **settings: Any) -> RecallModel:
    """A model by itself."""
    family = RECALL_MODELS[name]
    return family.fit(small_data(), family.config(**settings), context())


def blended(*members: dict[str, Any]) -> RecallModel:
    """A blend of these."""
    family = RECALL_MODELS["blend"]
    return family.fit(small_data(), family.config(members=members), context())


def test_a_blend_s_scores_are_the_weighted_sum_of_its_members_made_to_vary_alike() -> None:
    """Computed here from the members' scores for the people of the data."""
    expected = np.zeros((len(MET), 6))
    for weight, single in ((1.0, alone("svd", dimension=2)), (0.3, alone("ease", regularisation=2.0))):
        of_member = scores(single, MET)
        somebody = of_member[[bool(row) for row in MET]]
        expected += weight * of_member / np.sqrt(somebody.var(axis=1).mean())
    model = blended(
        {"model": "svd", "settings": {"dimension": 2}},
        {"model": "ease", "weight": 0.3, "settings": {"regularisation": 2.0}},
    )
    np.testing.assert_allclose(scores(model, MET), expected, rtol=1e-4, atol=1e-5)


def test_a_model_s_unit_makes_no_difference() -> None:
    """A member that says the same ten times as loud has no more weight: here the same model twice is that model."""
    twice = scores(blended({"model": "ease"}, {"model": "ease", "weight": 3.0}), MET)
    np.testing.assert_array_equal(np.argsort(twice[0]), np.argsort(scores(alone("ease"), MET)[0]))


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ({"model": "blend"}, "no model 'blend'; choose among sasrec"),
        ({"model": "ease", "settings": {"strength": 1}}, "setting 'strength' of ease"),
        ({"model": "ease", "settings": {"regularisation": -1}}, "greater than 0"),
        ({"model": "ease", "settings": {"max_items": 3}}, "6 items are more than max_items, 3"),
    ],
)
def test_a_member_that_cannot_be_is_refused_by_name(member: dict[str, Any], reason: str) -> None:
    """What is misspelt is found before the first fit; what a model itself refuses is said in its words."""
    with pytest.raises(Unsuitable, match=reason):
        blended({"model": "svd"}, member)


def test_a_model_that_tells_no_items_apart_adds_nothing() -> None:
    """It is not divided by the zero that its scores vary by: everybody met the one item that there is."""
    family = RECALL_MODELS["blend"]
    config = family.config(members=({"model": "svd"}, {"model": "ease"}))
    model = family.fit(small_data(((0,), (0,)), items=1), config, context())
    assert np.isfinite(scores(model, ((0,),))).all()
