"""How far predicted ratings are from given ones."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from services.training.metrics.bootstrap import Interval, bootstrap_interval


def squared_errors(ratings: npt.NDArray[np.floating], predicted: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """The square of each distance.

    Args:
        ratings: [examples], as people gave them.
        predicted: [examples], on the same scale.

    Returns:
        float64 [examples]; the mean is the MSE, its root the RMSE.
    """
    return np.square(np.asarray(ratings, dtype=np.float64) - predicted)


def rmse(ratings: npt.NDArray[np.floating], predicted: npt.NDArray[np.floating]) -> float:
    """The root of the mean squared error, in the unit of the ratings.

    Raises:
        ValueError: there are no examples.
    """
    if not len(ratings):
        raise ValueError("there are no examples")
    return math.sqrt(squared_errors(ratings, predicted).mean())


def rmse_interval(squared: npt.NDArray[np.float64], *, resamples: int = 1000, seed: int = 0) -> Interval:
    """The bootstrap interval of an RMSE: the root never changes an order, so it may be taken of the MSE's bounds.

    Args:
        squared: [examples], as `squared_errors` gives them.
        resamples: how many means to draw.
        seed: equal seeds give equal intervals.

    Raises:
        ValueError: there are no examples.
    """
    interval = bootstrap_interval(squared, resamples=resamples, seed=seed)
    return replace(interval, low=math.sqrt(interval.low), mean=math.sqrt(interval.mean), high=math.sqrt(interval.high))
