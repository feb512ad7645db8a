"""Exact Shapley values have the properties that make them the only fair split, and add up to what they explain."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from services.gateway.attribution import COALITIONS, GROUPS, coalition_queries, explain_scores, shapley_values
from services.gateway.neighbours import User
from tests.unit.gateway.fakes import rows

GAMES = arrays(np.float64, (COALITIONS, 3), elements=st.floats(-1e6, 1e6))


@given(GAMES)
def test_contributions_add_up_to_the_difference_from_the_baseline(values: NDArray[np.float64]) -> None:
    """Nothing is left over and nothing is counted twice."""
    np.testing.assert_allclose(shapley_values(values).sum(axis=0), values[-1] - values[0], rtol=1e-9, atol=1e-6)


@given(GAMES)
def test_a_contribution_is_the_mean_over_all_orders_of_joining(values: NDArray[np.float64]) -> None:
    """The definition, spelt out: what a group adds when it joins, over the six orders of three groups."""
    expected = np.zeros((3, 3))
    for order in permutations(range(3)):
        coalition = 0
        for group in order:
            joined = coalition | 1 << group
            expected[group] += (values[joined] - values[coalition]) / 6
            coalition = joined
    np.testing.assert_allclose(shapley_values(values), expected, rtol=1e-9, atol=1e-6)


@given(GAMES, st.integers(0, 2))
def test_a_group_that_changes_nothing_contributes_nothing(values: NDArray[np.float64], group: int) -> None:
    """Whatever the others do."""
    without = values[[coalition & ~(1 << group) for coalition in range(COALITIONS)]]
    assert (shapley_values(without)[group] == 0).all()


@given(GAMES, st.permutations(range(3)))
def test_the_order_of_the_groups_does_not_matter(values: NDArray[np.float64], order: list[int]) -> None:
    """Groups renumbered have their contributions renumbered."""
    renumbered = np.empty_like(values)
    for coalition in range(COALITIONS):
        renumbered[sum(1 << order[group] for group in range(3) if coalition >> group & 1)] = values[coalition]
    np.testing.assert_allclose(shapley_values(renumbered)[order], shapley_values(values), rtol=1e-9, atol=1e-6)


def test_each_coalition_has_its_groups_and_the_defaults_of_the_others() -> None:
    """The bit of a group decides, and the rows are in all of them."""
    user = User(np.array([1.0], np.float32), rows(4, 5), rows(6), known=True)
    nobody = User(np.array([0.0], np.float32), rows(), rows(), known=False)
    features, means = np.array([[7.0], [8.0]], np.float32), np.array([9.0], np.float32)
    queries = coalition_queries(user, nobody, rows(1, 2), features, means)
    for coalition, query in enumerate(queries):
        has = dict(zip(GROUPS, (coalition & 1, coalition & 2, coalition & 4), strict=True))
        assert query.rows.tolist() == [1, 2]
        assert query.user.features.tolist() == ([1.0] if has["user_features"] else [0.0])
        assert query.user.history.tolist() == ([4, 5] if has["history"] else [])
        assert query.item_features.tolist() == ([[7.0], [8.0]] if has["item_features"] else [[9.0], [9.0]])


def test_a_score_that_is_not_finite_is_not_explained() -> None:
    """In whichever coalition it is: there is no number that it could add up to."""
    scores = [np.ones((2, 2), np.float32) for _ in range(COALITIONS)]
    scores[3][0, 1] = np.inf
    first, second = explain_scores(scores, ("click", "like"))
    assert [one.objective for one in first] == ["click"]
    assert [one.objective for one in second] == ["click", "like"]


def test_an_explained_score_tells_its_parts_by_name() -> None:
    """Of an additive model each part is what its group adds: 1, 2 and 4."""
    scores = [np.full((1, 1), 10.0 + coalition, np.float32) for coalition in range(COALITIONS)]
    ((click,),) = explain_scores(scores, ("click",))
    assert (click.score, click.baseline) == (17.0, 10.0)
    assert click.contributions == pytest.approx({"user_features": 1.0, "history": 2.0, "item_features": 4.0})
