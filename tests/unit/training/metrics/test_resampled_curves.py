"""Intervals of areas under curves and of calibration."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from services.training.metrics import auc, auc_interval, calibration_interval, reliability_curve


def rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities that are right, in hundredths so that some are equal."""
    rng = np.random.default_rng(seed)
    chances = rng.integers(1, 100, size=count) / 100
    return rng.random(count) < chances, chances


def test_the_interval_is_that_of_areas_of_resamples() -> None:
    """Computed one resample at a time by another library."""
    labels, scores = rows(60)
    rng = np.random.default_rng(5)
    areas = []
    for _ in range(200):
        drawn = rng.integers(60, size=60)
        areas.append(roc_auc_score(labels[drawn], scores[drawn]))
    found = auc_interval(labels, scores, resamples=200, seed=5)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(areas, [0.025, 0.975])))
    assert found.mean == pytest.approx(auc(labels, scores))


def test_resamples_of_one_kind_have_no_area() -> None:
    """With two rows half of them have: the others decide."""
    found = auc_interval(np.array([True, False]), np.array([0.7, 0.2]))
    assert (found.low, found.mean, found.high) == (1, 1, 1)


def test_the_calibration_error_is_that_of_the_curve_and_its_interval_that_of_resamples() -> None:
    """Computed one resample at a time from the reliability curve."""
    labels, chances = rows(300)
    rng = np.random.default_rng(2)
    errors = []
    for _ in range(100):
        drawn = rng.integers(300, size=300)
        errors.append(reliability_curve(labels[drawn], chances[drawn]).expected_calibration_error())
    found = calibration_interval(labels, chances, resamples=100, seed=2)
    assert found.mean == pytest.approx(reliability_curve(labels, chances).expected_calibration_error())
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(errors, [0.025, 0.975])))


def test_what_has_no_figure_is_refused() -> None:
    """Labels of one kind, scores that are no numbers, probabilities that are none, no examples, no resamples."""
    with pytest.raises(ValueError, match="all labels are the same"):
        auc_interval(np.ones(3, dtype=np.bool_), np.zeros(3))
    with pytest.raises(ValueError, match="not a number"):
        auc_interval(np.array([0, 1]), np.array([0.5, np.nan]))
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration_interval(np.array([0, 1]), np.array([0.5, 1.5]))
    with pytest.raises(ValueError, match="no examples"):
        calibration_interval(np.empty(0, dtype=np.bool_), np.empty(0))
    with pytest.raises(ValueError, match="resamples"):
        auc_interval(np.array([0, 1]), np.array([0.5, 0.6]), resamples=0)
