"""Padding histories."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.history import pad_histories, widen
from shared.tensors import Ragged


def ragged(histories: list[list[int]]) -> Ragged:
    """Returns histories as they come from a request."""
    return Ragged.of([np.array(rows, dtype=np.uint32) for rows in histories], np.uint32)


def test_histories_are_padded_on_the_left_and_lose_their_old_end() -> None:
    """The most recent item is last, whatever the length."""
    padded = pad_histories(ragged([[1, 2, 3, 4], [], [7]]), max_history=3)
    assert padded.tolist() == [[2, 3, 4], [-1, -1, -1], [-1, -1, 7]]
    assert padded.dtype == np.int64


@given(st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=6), st.integers(1, 6))
def test_every_history_keeps_its_recent_end(histories: list[list[int]], max_history: int) -> None:
    """As wide as the longest history, at least 1 and at most the maximum; nothing but the old end is lost."""
    padded = pad_histories(ragged(histories), max_history)
    assert padded.shape == (len(histories), min(max_history, max(1, *map(len, histories), 1)))
    for row, history in zip(padded.tolist(), histories, strict=True):
        assert [item for item in row if item >= 0] == history[-max_history:]
        assert row == [-1] * (len(row) - len(history[-max_history:])) + history[-max_history:]


def test_widening_adds_padding_at_the_old_end() -> None:
    """A model that wants one fixed width gets it."""
    assert widen(np.array([[-1, 5], [6, 7]]), 4).tolist() == [[-1, -1, -1, 5], [-1, -1, 6, 7]]
