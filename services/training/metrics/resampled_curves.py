"""How far figures can be trusted that are no means: areas under curves and calibration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from services.training.metrics.bootstrap import Interval
from services.training.metrics.probabilities import Labels, check_probabilities

Counts = npt.NDArray[np.int64]
_CONFIDENCE = 0.95


def auc_interval(labels: Labels, scores: npt.NDArray[np.floating], *, resamples: int = 1000, seed: int = 0) -> Interval:
    """The AUC, with the percentile bootstrap interval over examples. One sort, whatever the number of resamples.

    Args:
        labels: [examples], 1 or True for positive.
        scores: [examples], higher means more likely positive; finite.
        resamples: how many to draw, at least 1. One that has only positive or only negative examples has no AUC and is
            left out, which happens only where there are few.
        seed: equal seeds give equal intervals.

    Raises:
        ValueError: all labels are the same, or a score is not a number.
    """
    positive = np.asarray(labels, dtype=np.bool_)
    if positive.all() or not positive.any():
        raise ValueError("all labels are the same: there is no pair to order")
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    levels, level = np.unique(scores, return_inverse=True)
    # Twice the level, and one more for a positive: one count gives both kinds at every level.
    kind = 2 * level + positive

    def area(times: Counts) -> float:
        negatives, positives = np.bincount(kind, times, minlength=2 * len(levels)).reshape(-1, 2).T
        pairs = positives.sum() * negatives.sum()
        below = np.cumsum(negatives) - negatives
        return float(positives @ (below + negatives / 2) / pairs) if pairs else float("nan")

    return _interval(area, len(positive), resamples, seed)


def calibration_interval(
    labels: Labels, probabilities: npt.NDArray[np.floating], bins: int = 10, *, resamples: int = 1000, seed: int = 0
) -> Interval:
    """The expected calibration error in bins of equal width, with the percentile bootstrap interval over examples.

    The error is never below 0, and the noise of a resample adds to it: the interval of a well calibrated model lies
    above the error itself.

    Args:
        labels: [examples], 1 or True for positive.
        probabilities: [examples], of a positive label, from 0 to 1.
        bins: how many, as of `reliability_curve`.
        resamples: how many to draw, at least 1.
        seed: equal seeds give equal intervals.

    Raises:
        ValueError: there are no examples, or a probability is not between 0 and 1.
    """
    if not len(labels):
        raise ValueError("there are no examples")
    check_probabilities(probabilities)
    chance = np.asarray(probabilities, dtype=np.float64)
    bin_of = np.searchsorted(np.arange(1, bins) / bins, chance, side="left")
    excess = chance - np.asarray(labels, dtype=np.float64)

    def error(times: Counts) -> float:
        return float(np.abs(np.bincount(bin_of, times * excess, minlength=bins)).sum() / len(excess))

    return _interval(error, len(excess), resamples, seed)


def _interval(figure: Callable[[Counts], float], examples: int, resamples: int, seed: int) -> Interval:
    """The interval of a figure that is told how often each example was drawn."""
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    rng = np.random.default_rng(seed)
    drawn = [figure(np.bincount(rng.integers(examples, size=examples), minlength=examples)) for _ in range(resamples)]
    low, high = np.nanquantile(drawn, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return Interval(float(low), figure(np.ones(examples, dtype=np.int64)), float(high))
