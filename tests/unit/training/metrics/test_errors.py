"""Errors of predicted ratings."""

import math

import numpy as np
import pytest
from sklearn.metrics import root_mean_squared_error

from services.training.metrics import rmse, rmse_interval, squared_errors


def test_rmse_by_hand_and_by_scikit_learn() -> None:
    """Errors of 1, 0 and 2 stars."""
    ratings, predicted = np.array([3.0, 4.0, 5.0]), np.array([4.0, 4.0, 3.0])
    np.testing.assert_allclose(squared_errors(ratings, predicted), [1, 0, 4])
    assert rmse(ratings, predicted) == pytest.approx(math.sqrt(5 / 3))
    assert rmse(ratings, predicted) == pytest.approx(root_mean_squared_error(ratings, predicted))


def test_the_interval_of_an_rmse_holds_it() -> None:
    """In stars, not in squares of stars."""
    squared = np.square(np.random.default_rng(1).normal(0, 0.9, 2000))
    interval = rmse_interval(squared, resamples=300)
    assert interval.mean == pytest.approx(math.sqrt(squared.mean()))
    assert 0.85 < interval.low < interval.mean < interval.high < 0.95


def test_nothing_has_no_error() -> None:
    """A mean of nothing is not 0."""
    with pytest.raises(ValueError, match="no examples"):
        rmse(np.empty(0), np.empty(0))
