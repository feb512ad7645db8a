"""How far a mean over queries can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Bounds the memory of one batch of resamples to about 64 MB.
_DRAWS_PER_BATCH = 8_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the bounds between which it lies with the confidence that was asked for."""

    low: float
    mean: float
    high: float


def bootstrap_interval(
    values: npt.NDArray[np.floating], *, confidence: float = 0.95, resamples: int = 1000, seed: int = 0
) -> Interval:
    """The percentile bootstrap interval of a mean (Efron, Annals of Statistics 1979).

    Args:
        values: [queries], one metric value per query; queries are what is resampled.
        confidence: the share of resampled means inside the interval, strictly between 0 and 1.
        resamples: how many means to draw, at least 1.
        seed: equal seeds give equal intervals.

    Raises:
        ValueError: `values` is empty, or an argument is out of its range.
    """
    if not len(values):
        raise ValueError("there are no values to resample")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}")
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    rng = np.random.default_rng(seed)
    batch = max(1, _DRAWS_PER_BATCH // len(values))
    means = np.concatenate(
        [
            values[rng.integers(0, len(values), size=(min(batch, resamples - start), len(values)))].mean(axis=1)
            for start in range(0, resamples, batch)
        ]
    )
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(low=float(low), mean=float(values.mean()), high=float(high))
