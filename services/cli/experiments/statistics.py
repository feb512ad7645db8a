"""How much users differ by chance: intervals, a test of a difference, and a test of the split itself.

The unit is the user, for answers of one user are not independent of each other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

#: Weights of users drawn at a time: 32 MB of them.
_DRAWN_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A value and where it may lie. Both ends are NaN where there are too few users to tell.

    Attributes:
        value: As measured.
        low: The lower end.
        high: The upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """How much an arm differs from the control.

    Attributes:
        value: The arm's value less the control's.
        low: The lower end of its interval.
        high: The upper end.
        p_value: How often chance alone makes a difference of this size or more; NaN where nothing varies.
        relative: The difference as a share of the control's value; NaN where that is 0.
    """

    value: float
    low: float
    high: float
    p_value: float
    relative: float


def ratio_of(sums: NDArray[np.float64], per: NDArray[np.float64]) -> tuple[float, float]:
    """Returns the ratio of two sums over users, and its standard error by the delta method (Deng et al., KDD 2018).

    Args:
        sums: float64 [users], such as rewards.
        per: float64 [users], such as exposures; ones for a mean over users. Their sum is above 0.
    """
    ratio = float(sums.sum() / per.sum())
    users = len(sums)
    if users < 2:
        return ratio, math.nan
    deviations = (sums - ratio * per) / per.mean()
    return ratio, float(np.sqrt(deviations.var(ddof=1) / users))


def interval_of(sums: NDArray[np.float64], per: NDArray[np.float64], confidence: float) -> Interval:
    """Returns the ratio of two sums over users with its interval by the delta method. For arguments see `ratio_of`."""
    ratio, error = ratio_of(sums, per)
    margin = _quantile(confidence) * error
    return Interval(ratio, ratio - margin, ratio + margin)


def difference_of(
    arm: tuple[NDArray[np.float64], NDArray[np.float64]],
    control: tuple[NDArray[np.float64], NDArray[np.float64]],
    confidence: float,
) -> Difference:
    """Tests the difference of two ratios: with the ratio per user, this is Welch's test with the normal distribution.

    Args:
        arm: The sums and what they are per, as for `ratio_of`.
        control: The same of the control.
        confidence: Of the interval, in (0, 1).
    """
    (value, error), (other, other_error) = ratio_of(*arm), ratio_of(*control)
    difference, together = value - other, math.hypot(error, other_error)
    margin = _quantile(confidence) * together
    p_value = 2 * NormalDist().cdf(-abs(difference) / together) if together > 0 else math.nan
    relative = difference / other if other else math.nan
    return Difference(difference, difference - margin, difference + margin, p_value, relative)


def bootstrap(
    columns: NDArray[np.float64], per: Sequence[int], draws: int, confidence: float, seed: int
) -> list[Interval]:
    """Returns ratios of sums over users with percentile intervals, users being drawn anew again and again.

    Each user is taken a number of times that is Poisson distributed with mean 1, which for many users is drawing with
    replacement (Chamandy et al., 2012).

    Args:
        columns: float64 [users, columns].
        per: For each of the first columns, the column that it is divided by; the sum of that is above 0.
        draws: How many times.
        confidence: Of the interval, in (0, 1).
        seed: Of the draws.
    """
    users = len(columns)
    values = [float(columns[:, of].sum() / columns[:, by].sum()) for of, by in enumerate(per)]
    if users < 2:
        return [Interval(value, math.nan, math.nan) for value in values]
    chance = np.random.default_rng(seed)
    at_once = max(1, _DRAWN_AT_ONCE // users)
    totals = np.concatenate(
        [
            chance.poisson(1.0, size=(min(at_once, draws - done), users)).astype(np.float64) @ columns
            for done in range(0, draws, at_once)
        ]
    )
    tail = (1 - confidence) / 2
    intervals = []
    for of, by in enumerate(per):
        drawn = totals[:, by] > 0  # of very few users, none may have been drawn
        low, high = np.quantile(totals[drawn, of] / totals[drawn, by], [tail, 1 - tail])
        intervals.append(Interval(values[of], float(low), float(high)))
    return intervals


def split_p_value(observed: Sequence[int], shares: Sequence[float]) -> float:
    """Returns how often chance alone splits users this unevenly or more: Pearson's chi-square test.

    A very small value says that the split is not the one that was set up (a sample ratio mismatch): something drops or
    adds users of some arm, and what the arms show cannot be compared.

    Args:
        observed: Users by arm.
        shares: What the file gives each; in any unit, all above 0.
    """
    total, all_shares = sum(observed), sum(shares)
    expected = [total * share / all_shares for share in shares]
    if len(expected) < 2 or not total:
        return math.nan
    statistic = sum((seen - want) ** 2 / want for seen, want in zip(observed, expected, strict=True))
    return chi_square_tail(statistic, len(expected) - 1)


def chi_square_tail(statistic: float, freedom: int) -> float:
    """Returns the probability that a chi-square variable is at least the statistic (Abramowitz and Stegun, 26.4.4-5).

    Args:
        statistic: 0 or more.
        freedom: Degrees of freedom, at least 1.
    """
    half = statistic / 2
    if freedom % 2:
        tail, term, start = math.erfc(math.sqrt(half)), math.sqrt(half) * math.exp(-half) / math.gamma(1.5), 3
    else:
        tail, term, start = math.exp(-half), half * math.exp(-half), 4
    for degrees in range(start, freedom + 1, 2):
        tail += term
        term *= half / (degrees / 2)
    return min(tail, 1.0)


def _quantile(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
