"""Metrics by the length of the list, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from services.cli.report_page.curves import depths, gain_curves, hit_rate_curves, training_curves


def test_a_curve_rises_where_somebody_is_found() -> None:
    """Of four people one finds it first, two fifth, and one not among a hundred."""
    ranks = np.array([1, 5, 5, 101])
    served, other = hit_rate_curves(ranks, {"other": ranks}, 100)
    assert {point.x: point.value for point in served.points if point.x in {1, 3, 5, 100}} == {
        1: 0.25, 3: 0.25, 5: 0.75, 100: 0.75,
    }  # fmt: skip
    assert [point.value for point in other.points] == [point.value for point in served.points]
    assert (served.name, other.name) == ("served", "other")


def test_only_what_is_served_has_intervals() -> None:
    """They hold the mean."""
    ranks = np.array([1, 2, 3, 50] * 25)
    served, other = gain_curves(ranks, {"other": ranks}, 10)
    assert all(point.low < point.value < point.high for point in served.points)
    assert all(point.low == point.value == point.high for point in other.points)
    assert served.points[-1].value == pytest.approx((1 + 1 / np.log2(3) + 0.5) / 4)


def test_curves_end_at_the_length_of_the_lists() -> None:
    """Whatever it is: a smaller catalogue has shorter ones."""
    assert depths(60) == [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 60]
    assert depths(100)[-2:] == [70, 100]
    assert depths(1) == [1]


def test_a_model_of_one_epoch_has_no_curve() -> None:
    """A point is no line."""
    [curve] = training_curves({"closed form": [0.1], "ranker": [0.1, 0.2]})
    assert curve.name == "ranker"
    assert [(point.x, point.value) for point in curve.points] == [(1, 0.1), (2, 0.2)]
