"""Whether probabilities mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from services.cli.report_page.calibration import BINS, calibration, softmax, wilson
from services.training.metrics.lists import NO_ITEM


def drawn(sharpness: float, lists: int = 4000, places: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lists of candidates with scores, and what came next, drawn by the softmax of `sharpness` times the scores."""
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((lists, places)) * 2
    chances = special.softmax(scores * sharpness, axis=1)
    target = np.array([rng.choice(places, p=row) for row in chances])
    return np.tile(np.arange(places), (lists, 1)), scores, target


def test_scores_that_are_right_lie_on_the_line() -> None:
    """What came next was drawn by the very probabilities: nine of ten bins, at least, hold the predicted share."""
    found = calibration(*drawn(sharpness=1.0))
    assert found is not None
    inside = sum(one.low <= one.predicted <= one.high for one in found.bins)
    assert inside >= 9
    assert found.expected_error < 0.01
    assert found.lists == 4000


def test_scores_that_are_too_sure_lie_below_it_where_they_are_high() -> None:
    """People follow the scores half as closely as they claim."""
    found = calibration(*drawn(sharpness=0.5))
    assert found is not None
    assert found.bins[-1].high < found.bins[-1].predicted
    assert found.bins[0].low > found.bins[0].predicted
    assert found.expected_error > 0.1


def test_every_candidate_is_in_one_bin_and_every_bin_expects_as_many_hits() -> None:
    """All hits are counted, and nobody twice."""
    found = calibration(*drawn(sharpness=1.0))
    assert found is not None
    assert sum(one.candidates for one in found.bins) == 4000 * 40
    assert sum(one.hits for one in found.bins) == 4000
    assert [one.expected_hits for one in found.bins] == pytest.approx([4000 / BINS] * BINS, abs=1.0)


def test_lists_without_what_came_next_say_nothing() -> None:
    """One of two lists holds it; by hand, with probabilities of 3/4 and 1/4."""
    lists = np.array([[1, 2, NO_ITEM], [4, 7, NO_ITEM]])
    totals = np.array([[5.0, 0.0, -np.inf], [np.log(3.0), 0.0, -np.inf]])
    found = calibration(lists, totals, np.array([9, 4]))
    assert found is not None
    assert [one.predicted for one in found.bins] == pytest.approx([0.25, 0.75])
    assert [(one.hits, one.candidates) for one in found.bins] == [(0, 1), (1, 1)]
    assert found.lists == 1
    assert calibration(lists, totals, np.array([9, 9])) is None


def test_softmax_is_that_of_scipy() -> None:
    """Of large scores too, and with places that a list does not have."""
    totals = np.array([[1000.0, 1001.0, -np.inf], [0.0, -3.0, 2.0]])
    assert softmax(totals) == pytest.approx(special.softmax(totals, axis=1))


@pytest.mark.parametrize(("hits", "tries"), [(0, 10), (3, 10), (10, 10), (1, 5000)])
def test_the_interval_of_a_share_is_that_of_scipy(hits: int, tries: int) -> None:
    """Wilson's."""
    theirs = stats.binomtest(hits, tries).proportion_ci(method="wilson")
    assert wilson(hits, tries) == pytest.approx((theirs.low, theirs.high), abs=1e-6)
