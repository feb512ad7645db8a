"""Intervals and tests agree with values worked out by hand or printed in tables, and keep what they promise."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from services.cli.experiments.statistics import (
    bootstrap,
    chi_square_tail,
    difference_of,
    interval_of,
    ratio_of,
    split_p_value,
)


def test_a_mean_per_user_has_the_usual_error() -> None:
    """1, 2, 3, 6: mean 3, variance 14/3, error sqrt(14/3/4)."""
    mean, error = ratio_of(np.array([1.0, 2.0, 3.0, 6.0]), np.ones(4))
    assert mean == 3.0
    assert error == pytest.approx(math.sqrt(14 / 12))


def test_a_ratio_has_the_error_of_the_delta_method() -> None:
    """Rewards 2, 4 of 1, 3 answers: 6/4 = 1.5; deviations (2 - 1.5)/2 and (4 - 4.5)/2; error sqrt(0.125/2)."""
    ratio, error = ratio_of(np.array([2.0, 4.0]), np.array([1.0, 3.0]))
    assert ratio == 1.5
    assert error == pytest.approx(0.25)


def test_users_who_always_have_the_same_ratio_leave_no_doubt() -> None:
    """However different their numbers of answers are."""
    interval = interval_of(np.array([1.0, 10.0, 3.0]), np.array([2.0, 20.0, 6.0]), 0.95)
    assert (interval.value, interval.low, interval.high) == (0.5, 0.5, 0.5)


def test_one_user_tells_no_interval() -> None:
    """Nobody can tell how much users differ."""
    assert math.isnan(interval_of(np.array([1.0]), np.array([1.0]), 0.95).low)
    assert math.isnan(bootstrap(np.array([[1.0, 2.0]]), [1], 100, 0.95, 0)[0].high)


def test_a_difference_is_tested_as_by_hand() -> None:
    """Means 3 and 1 with errors 0.6 and 0.8: together 1, so z = 2, p = 0.0455, and 1.96 to either side."""

    def users(mean: float, error: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.array([mean - error, mean + error]), np.ones(2)

    difference = difference_of(users(3.0, 0.6), users(1.0, 0.8), 0.95)
    assert difference.value == pytest.approx(2.0)
    assert difference.p_value == pytest.approx(0.0455, abs=1e-4)
    assert [difference.low, difference.high] == pytest.approx([0.04, 3.96], abs=1e-3)
    assert difference.relative == pytest.approx(2.0)


def test_arms_that_do_not_vary_have_no_p_value() -> None:
    """Nothing can be said about chance where there is none."""
    same = (np.zeros(5), np.ones(5))
    assert math.isnan(difference_of(same, same, 0.95).p_value)


@pytest.mark.parametrize(
    ("statistic", "freedom", "tail"),
    [(3.841, 1, 0.05), (5.991, 2, 0.05), (7.815, 3, 0.05), (13.277, 4, 0.01), (11.070, 5, 0.05), (29.588, 10, 0.001)],
)
def test_the_tail_of_chi_square_is_that_of_the_tables(statistic: float, freedom: int, tail: float) -> None:
    """To the digits that tables print."""
    assert chi_square_tail(statistic, freedom) == pytest.approx(tail, rel=2e-3)


def test_a_split_as_planned_is_told_from_one_that_is_not() -> None:
    """80 and 20 where 90 and 10 were planned: (10^2)/90 + (10^2)/10 = 11.1."""
    assert split_p_value([80, 20], [0.45, 0.05]) == pytest.approx(chi_square_tail(100 / 9, 1))
    assert split_p_value([90, 10], [0.45, 0.05]) == 1.0
    assert split_p_value([0, 50], [0.5, 0.5]) < 1e-10


def test_the_bootstrap_agrees_with_the_delta_method() -> None:
    """On ratios of users who differ in how often they come."""
    chance = np.random.default_rng(1)
    answers = chance.integers(1, 30, 2000).astype(np.float64)
    rewards = chance.poisson(0.3 * answers).astype(np.float64)
    [drawn] = bootstrap(np.stack([rewards, answers], axis=1), [1], 2000, 0.95, 0)
    computed = interval_of(rewards, answers, 0.95)
    assert drawn.value == computed.value
    assert drawn.low == pytest.approx(computed.low, abs=0.1 * (computed.high - computed.low))
    assert drawn.high == pytest.approx(computed.high, abs=0.1 * (computed.high - computed.low))


def test_arms_that_are_alike_differ_as_often_as_the_p_value_says() -> None:
    """Of 1,000 experiments without an effect, about 50 have p < 0.05: between 30 and 73, with 99.9%."""
    chance = np.random.default_rng(2)
    alarms = 0
    for _ in range(1000):
        sides = []
        for _ in range(2):
            answers = chance.integers(1, 10, 200).astype(np.float64)
            sides.append((chance.poisson(chance.gamma(1.0, 0.3, 200) * answers).astype(np.float64), answers))
        alarms += difference_of(sides[0], sides[1], 0.95).p_value < 0.05
    assert 30 <= alarms <= 73
