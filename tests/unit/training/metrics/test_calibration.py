"""Reliability curves and the expected calibration error."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from services.training.metrics import reliability_curve

LABELS = np.array([0, 1, 1, 1])
CHANCES = np.array([0.1, 0.4, 0.9, 0.7])


def test_a_curve_by_hand() -> None:
    """Two halves: .1 and .4 with one positive of two, .7 and .9 with both positive."""
    curve = reliability_curve(LABELS, CHANCES, bins=2)
    np.testing.assert_allclose(curve.predicted, [0.25, 0.8])
    np.testing.assert_allclose(curve.observed, [0.5, 1.0])
    assert curve.examples.tolist() == [2, 2]
    assert curve.expected_calibration_error() == pytest.approx((0.25 + 0.2) / 2)


def test_bins_without_examples_are_left_out() -> None:
    """Of ten, four have any; a value on an edge belongs below it, and 0 to the first."""
    assert len(reliability_curve(LABELS, CHANCES).examples) == 4
    assert reliability_curve(np.array([0, 1]), np.array([0.0, 0.5]), bins=2).examples.tolist() == [2]


@pytest.mark.parametrize("equal_counts", [False, True])
def test_curves_agree_with_scikit_learn(equal_counts: bool) -> None:
    """Bins of equal width and of equal size."""
    rng = np.random.default_rng(6)
    chances = rng.beta(1, 6, 500)
    labels = rng.random(500) < chances
    observed, predicted = calibration_curve(
        labels, chances, n_bins=8, strategy="quantile" if equal_counts else "uniform"
    )
    curve = reliability_curve(labels, chances, 8, equal_counts=equal_counts)
    np.testing.assert_allclose(curve.predicted, predicted)
    np.testing.assert_allclose(curve.observed, observed)


def test_who_says_the_truth_is_calibrated_and_who_exaggerates_is_not() -> None:
    """On many examples."""
    rng = np.random.default_rng(6)
    chances = rng.random(20_000)
    labels = rng.random(20_000) < chances
    assert reliability_curve(labels, chances).expected_calibration_error() < 0.02
    exaggerated = np.clip(2 * chances - 0.5, 0, 1)
    assert reliability_curve(labels, exaggerated).expected_calibration_error() > 0.1


@pytest.mark.parametrize(
    ("labels", "chances", "bins", "problem"),
    [
        (np.empty(0), np.empty(0), 10, "no examples"),
        (np.ones(1), np.array([2.0]), 10, "between 0 and 1"),
        (np.ones(1), np.array([0.2]), 0, "bins must be at least 1, not 0"),
    ],
)
def test_what_has_no_curve_is_refused(labels: np.ndarray, chances: np.ndarray, bins: int, problem: str) -> None:
    """The message says why."""
    with pytest.raises(ValueError, match=problem):
        reliability_curve(labels, chances, bins)
