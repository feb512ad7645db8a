"""The interval around a mean."""

import numpy as np
import pytest

from services.training.metrics import Interval, bootstrap_interval


def test_an_interval_agrees_with_the_normal_approximation_for_many_values() -> None:
    """For a share of .3 among 2,000 the 95 % interval is about 1.96 standard errors to each side."""
    values = np.repeat([1.0, 0.0], [600, 1400])
    half_width = 1.96 * np.sqrt(0.3 * 0.7 / 2000)

    interval = bootstrap_interval(values, resamples=4000)

    assert interval.mean == pytest.approx(0.3)
    assert interval.low == pytest.approx(0.3 - half_width, abs=0.002)
    assert interval.high == pytest.approx(0.3 + half_width, abs=0.002)


def test_equal_seeds_give_equal_intervals_and_others_do_not() -> None:
    """A report can be made again."""
    values = np.random.default_rng(3).random(50)

    assert bootstrap_interval(values, seed=1) == bootstrap_interval(values, seed=1)
    assert bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)


def test_more_confidence_takes_a_wider_interval() -> None:
    """The wider one contains the narrower one."""
    values = np.random.default_rng(3).random(50)

    narrow, wide = bootstrap_interval(values, confidence=0.5), bootstrap_interval(values, confidence=0.99)

    assert wide.low < narrow.low < narrow.high < wide.high


def test_equal_values_have_no_uncertainty() -> None:
    """Whatever is drawn, the mean is the same."""
    assert bootstrap_interval(np.full(9, 0.5)) == Interval(0.5, 0.5, 0.5)


def test_the_number_of_resamples_is_kept_when_they_are_drawn_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches bound memory and change nothing else: the draws come from one stream."""
    values = np.random.default_rng(3).random(50)
    at_once = bootstrap_interval(values, resamples=101)

    monkeypatch.setattr("services.training.metrics.bootstrap._DRAWS_PER_BATCH", 400)

    assert bootstrap_interval(values, resamples=101) == at_once


@pytest.mark.parametrize(
    ("values", "arguments", "problem"),
    [
        (np.array([]), {}, "there are no values"),
        (np.ones(3), {"confidence": 1.0}, "confidence must be between 0 and 1, not 1.0"),
        (np.ones(3), {"confidence": 0.0}, "confidence must be between 0 and 1, not 0.0"),
        (np.ones(3), {"resamples": 0}, "resamples must be at least 1, not 0"),
    ],
)
def test_what_has_no_interval_is_refused(
    values: np.ndarray[tuple[int], np.dtype[np.float64]], arguments: dict[str, float], problem: str
) -> None:
    """The message names the argument."""
    with pytest.raises(ValueError, match=problem):
        bootstrap_interval(values, **arguments)  # type: ignore[arg-type]  # the table mixes arguments
