"""Whether a predicted probability means what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.metrics.probabilities import Labels, check_probabilities


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityCurve:
    """What happened where about the same was predicted; bins without examples are left out.

    Attributes:
        predicted: float64 [bins], mean predicted probability, ascending.
        observed: float64 [bins], share of positive labels.
        examples: int64 [bins], how many.
    """

    predicted: npt.NDArray[np.float64]
    observed: npt.NDArray[np.float64]
    examples: npt.NDArray[np.int64]

    def expected_calibration_error(self) -> float:
        """The mean distance of the curve from the diagonal, weighted by examples (Naeini et al., AAAI 2015)."""
        return float(np.average(np.abs(self.predicted - self.observed), weights=self.examples))


def reliability_curve(
    labels: Labels, probabilities: npt.NDArray[np.floating], bins: int = 10, *, equal_counts: bool = False
) -> ReliabilityCurve:
    """Compare predictions with outcomes.

    Args:
        labels: [examples], 1 or True for positive.
        probabilities: [examples], of a positive label, from 0 to 1.
        bins: how many, at least 1.
        equal_counts: bins of equally many examples instead of equal width; clicks are rare, and equal width then puts
            nearly all of them in the first bin.

    Raises:
        ValueError: there are no examples, a probability is not between 0 and 1, or there are no bins.
    """
    if not len(labels):
        raise ValueError("there are no examples")
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    check_probabilities(probabilities)
    chance = np.asarray(probabilities, dtype=np.float64)
    shares = np.arange(1, bins) / bins
    edges = np.quantile(chance, shares) if equal_counts else shares
    # A value on an edge belongs below it, as in the published definition (0, 1/bins], (1/bins, 2/bins], ...
    bin_of = np.searchsorted(edges, chance, side="left")
    counts = np.bincount(bin_of, minlength=bins)
    filled = counts > 0
    predicted = np.bincount(bin_of, weights=chance, minlength=bins)[filled] / counts[filled]
    observed = (
        np.bincount(bin_of, weights=np.asarray(labels, dtype=np.float64), minlength=bins)[filled] / counts[filled]
    )
    return ReliabilityCurve(predicted, observed, counts[filled].astype(np.int64))
