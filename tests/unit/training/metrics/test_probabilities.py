"""AUC, GAUC and log-loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from services.training.metrics import auc, group_aucs, log_losses


def test_auc_counts_the_pairs_in_the_right_order_and_half_of_the_equal_ones() -> None:
    """Positives .8 and .4 against negatives .4 and .1: of four pairs three are right and one is equal."""
    assert auc(np.array([1, 0, 1, 0]), np.array([0.8, 0.4, 0.4, 0.1])) == pytest.approx(3.5 / 4)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=60))
def test_auc_agrees_with_scikit_learn(examples: list[tuple[bool, int]]) -> None:
    """With many equal scores."""
    labels = np.array([label for label, _ in examples])
    scores = np.array([score for _, score in examples], dtype=np.float64)
    if labels.all() or not labels.any():
        with pytest.raises(ValueError, match="all labels are the same"):
            auc(labels, scores)
    else:
        assert auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))


def test_gauc_weighs_each_user_by_examples_and_leaves_out_users_of_one_kind() -> None:
    """User 7 has 1 with 2 examples, user 2 has 1/2 with 3; user 5 only clicked, so there is nothing to order."""
    users = np.array([7, 2, 5, 2, 7, 2])
    labels = np.array([1, 0, 1, 1, 0, 0])
    scores = np.array([0.9, 0.1, 0.5, 0.4, 0.2, 0.6])
    found = group_aucs(users, labels, scores)
    assert found.groups.tolist() == [2, 7]
    np.testing.assert_allclose(found.values, [0.5, 1.0])
    assert found.weighted_mean() == pytest.approx((3 * 0.5 + 2 * 1.0) / 5)


def test_the_auc_of_every_group_agrees_with_scikit_learn() -> None:
    """One sort for all groups gives what a call for each gives."""
    rng = np.random.default_rng(2)
    users, labels, scores = rng.integers(0, 40, 900), rng.random(900) < 0.3, rng.integers(0, 9, 900) / 9
    found = group_aucs(users, labels, scores)
    expected = [roc_auc_score(labels[users == user], scores[users == user]) for user in found.groups]
    np.testing.assert_allclose(found.values, expected)
    assert found.examples.tolist() == [int((users == user).sum()) for user in found.groups]


def test_without_a_group_of_both_kinds_there_is_no_gauc() -> None:
    """Not a number, rather than one that looks like a result."""
    assert np.isnan(group_aucs(np.array([1, 2]), np.array([1, 0]), np.array([0.5, 0.5])).weighted_mean())
    assert np.isnan(group_aucs(np.empty(0, int), np.empty(0, int), np.empty(0)).weighted_mean())


def test_a_score_that_is_no_number_is_refused() -> None:
    """It has no place in an order."""
    with pytest.raises(ValueError, match="not a number"):
        auc(np.array([1, 0]), np.array([np.nan, 1.0]))


def test_log_loss_by_hand_and_by_scikit_learn() -> None:
    """A coin costs log 2; and certainty that proves wrong costs much but not infinity."""
    np.testing.assert_allclose(log_losses(np.array([1, 0]), np.array([0.5, 0.5])), np.log(2))
    rng = np.random.default_rng(4)
    labels, chances = rng.random(200) < 0.4, rng.random(200)
    assert log_losses(labels, chances).mean() == pytest.approx(log_loss(labels, chances))
    assert 30 < log_losses(np.array([1]), np.array([0.0]))[0] < 40


def test_what_is_no_probability_is_refused() -> None:
    """A raw score is easily passed by mistake."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        log_losses(np.array([1]), np.array([1.5]))
