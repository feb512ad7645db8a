"""The time-ordered hold-out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.training.datasets import Interactions, leave_last_out

HISTORIES = st.lists(st.lists(st.integers(0, 100), max_size=8), min_size=1, max_size=6)


@given(histories=HISTORIES, holdout=st.integers(1, 3))
def test_nothing_held_out_precedes_what_a_user_trains_on(histories: list[list[int]], holdout: int) -> None:
    """For every user the parts are disjoint, complete, and ordered in time; the held-out part has its size or none."""
    users = [user for user, times in enumerate(histories) for _ in times]
    times = [time for history in histories for time in history]
    sequences = Interactions.build(users=users, items=range(len(users)), timestamps=times).sequences(len(histories))

    split = leave_last_out(sequences, holdout)

    for user, history in enumerate(histories):
        train = split.train.timestamps[split.train.offsets[user] : split.train.offsets[user + 1]]
        held_out = split.held_out.timestamps[split.held_out.offsets[user] : split.held_out.offsets[user + 1]]
        assert len(held_out) == (holdout if len(history) > holdout else 0)
        if len(held_out):
            assert train.max() <= held_out.min()
        parts = np.concatenate([split.train.items_of(user), split.held_out.items_of(user)])
        assert parts.tolist() == sequences.items_of(user).tolist()


def test_the_last_events_are_held_out() -> None:
    """By hand: with two held out, a user of four events keeps the first two."""
    sequences = Interactions.build(users=[0, 0, 0, 0], items=[7, 8, 9, 6], timestamps=[1, 2, 3, 4]).sequences(1)

    split = leave_last_out(sequences, holdout=2)

    assert split.train.items.tolist() == [7, 8]
    assert split.held_out.items.tolist() == [9, 6]


def test_splitting_the_training_part_again_gives_validation_before_test() -> None:
    """The usual protocol: the last event tests, the one before it validates."""
    sequences = Interactions.build(users=[0, 0, 0], items=[1, 2, 3]).sequences(1)

    test = leave_last_out(sequences)
    validation = leave_last_out(test.train)

    assert (validation.train.items.tolist(), validation.held_out.items.tolist()) == ([1], [2])
    assert test.held_out.items.tolist() == [3]


def test_a_user_who_would_have_nothing_left_stays_in_training() -> None:
    """A prediction needs at least one event before it."""
    split = leave_last_out(Interactions.build(users=[0, 1, 1], items=[4, 5, 6]).sequences(2))

    assert [items.tolist() for items in split.train] == [[4], [5]]
    assert [items.tolist() for items in split.held_out] == [[], [6]]


def test_holding_out_nothing_is_refused() -> None:
    """A split without a test would report perfect silence."""
    with pytest.raises(ValueError, match="holdout must be at least 1, not 0"):
        leave_last_out(Interactions.build(users=[0], items=[0]).sequences(1), holdout=0)
