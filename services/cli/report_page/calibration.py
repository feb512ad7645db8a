"""Whether the ranker's scores mean what they say.

The ranker is fitted to put what came next above the other candidates of its list, so its scores say something by their
differences within a list. Softmax over the list turns them into the probability of each candidate to be the one that came
next, given that one of them was.
"""

import numpy as np
from numpy.typing import NDArray

from services.cli.report_page.figures import Calibration, CalibrationBin
from services.cli.report_page.measurement import Rows
from services.training.recall_lists import Lists

BINS = 10

# Of the standard normal distribution, for a two-sided interval of 95 %.
_Z = 1.959964


def calibration(lists: Lists, totals: NDArray[np.float64], targets: Rows) -> Calibration | None:
    """Compares the probabilities with what came next, in bins that should hold equally many hits.

    Most candidates are improbable: bins of equal width would put nearly all of them into the first, and bins of equal
    size all hits into the last.

    Args:
        lists: int64 [users, places], the candidates; `NO_ITEM` where a list has ended.
        totals: float64 [users, places], their scores; minus infinity where a list has ended.
        targets: int64 [users], what came next.

    Returns:
        None where no list holds what came next.
    """
    hits = lists == targets[:, None]
    holding = hits.any(axis=1)
    if not holding.any():
        return None
    chances = softmax(totals[holding]).ravel()
    happened = hits[holding].ravel()
    there = np.isfinite(totals[holding]).ravel()
    order = np.argsort(chances[there], kind="stable")
    chances, happened = chances[there][order], happened[there][order]
    # Half a candidate's own probability below it: so that rounding never opens a bin for the last one alone.
    mass = (np.cumsum(chances) - chances / 2) / chances.sum()
    bin_of = np.minimum((mass * BINS).astype(np.int64), BINS - 1)
    bins = tuple(_bin(chances[bin_of == one], happened[bin_of == one]) for one in np.unique(bin_of))
    gaps = [abs(one.predicted - one.observed) for one in bins]
    error = float(np.average(gaps, weights=[one.expected_hits for one in bins]))
    return Calibration(lists=int(holding.sum()), expected_error=error, bins=bins)


def softmax(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the probabilities of each row of scores: float64 [lists, places], each row sums to 1."""
    powers = np.exp(totals - totals.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """Returns the 95 % interval of a share (Wilson, Journal of the American Statistical Association 1927)."""
    share, square = hits / tries, _Z * _Z
    centre = (share + square / (2 * tries)) / (1 + square / tries)
    half = _Z * np.sqrt(share * (1 - share) / tries + square / (4 * tries * tries)) / (1 + square / tries)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def _bin(chances: NDArray[np.float64], happened: NDArray[np.bool_]) -> CalibrationBin:
    hits, candidates = int(happened.sum()), len(chances)
    low, high = wilson(hits, candidates)
    return CalibrationBin(
        predicted=float(chances.mean()),
        observed=hits / candidates,
        low=low,
        high=high,
        expected_hits=float(chances.sum()),
        hits=hits,
        candidates=candidates,
    )
