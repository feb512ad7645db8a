"""Metrics for parts of the queries."""

import numpy as np
import pytest

from services.training.metrics import Slice, by_attribute, by_history_length, by_popularity, slice_intervals


def members(slices: list[Slice]) -> dict[str, list[int]]:
    """Which queries each slice has."""
    return {one.name: np.flatnonzero(one.members).tolist() for one in slices}


def test_users_are_parted_from_cold_to_warm() -> None:
    """A bound belongs to the slice that it begins; slices without anybody are left out."""
    assert members(list(by_history_length(np.array([0, 4, 5, 19, 100, 2000])))) == {
        "history of 0 to 4": [0, 1],
        "history of 5 to 19": [2, 3],
        "history of 100 or more": [4, 5],
    }


def test_the_tail_is_all_but_the_most_popular_fifth() -> None:
    """Of five items the one with 9 is the head."""
    assert members(list(by_popularity(np.array([0, 2, 2, 4]), np.array([3, 1, 9, 0, 3])))) == {
        "head items": [1, 2],
        "tail items": [0, 3],
    }


def test_users_are_parted_by_the_words_among_their_attributes() -> None:
    """Numbers are no parts, and who has no value is in no part."""
    users: list[dict[str, str | float]] = [{"gender": "F", "age": 31.0}, {"gender": "M"}, {}, {"gender": "F"}]
    assert members(list(by_attribute(users))) == {"gender: F": [0, 3], "gender: M": [1]}


def test_each_slice_has_the_mean_of_its_members() -> None:
    """With an interval around it."""
    slices = list(by_history_length(np.array([1, 1, 50])))
    found = slice_intervals(np.array([0.0, 1.0, 0.25]), slices, resamples=50)
    assert found["history of 0 to 4"].mean == pytest.approx(0.5)
    assert found["history of 20 to 99"] == (found["history of 20 to 99"].__class__)(0.25, 0.25, 0.25)
