"""Events as columns, and as sequences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.training.datasets import Interactions
from services.training.datasets.interactions import POSITION_EPOCH_MS, POSITION_STEP_MS

EVENTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 1_000), st.booleans()), min_size=1, max_size=40
)


@given(events=EVENTS)
def test_sequences_hold_every_event_of_a_user_in_time_order(events: list[tuple[int, int, int, bool]]) -> None:
    """A user's sequence is the stable sort by time of what was given, with time and liking beside each item."""
    users, items, timestamps, liked = zip(*events, strict=True)

    sequences = Interactions.build(users=users, items=items, timestamps=timestamps, liked=liked).sequences(5)

    for user in range(5):
        expected = sorted((event for event in events if event[0] == user), key=lambda event: event[2])
        part = slice(sequences.offsets[user], sequences.offsets[user + 1])
        assert sequences.items_of(user).tolist() == [event[1] for event in expected]
        assert sequences.timestamps[part].tolist() == [event[2] for event in expected]
        assert sequences.liked[part].tolist() == [event[3] for event in expected]


def test_columns_have_the_promised_types() -> None:
    """Models index with these arrays, so that their types are part of the interface."""
    interactions = Interactions.build(users=[1, 0], items=[3, 4], timestamps=[9, 8], liked=[True, False])
    sequences = interactions.sequences(2)

    for columns in (interactions, sequences):
        types = {name: str(getattr(columns, name).dtype) for name in ("users", "items", "timestamps", "liked")}
        assert types == {"users": "int32", "items": "int32", "timestamps": "int64", "liked": "bool"}
    assert str(sequences.offsets.dtype) == "int64"


def test_without_timestamps_the_position_of_each_user_becomes_the_time() -> None:
    """Interleaved users count their own positions, and the data set says that its times are not real."""
    interactions = Interactions.build(users=[1, 0, 1, 0, 1], items=[10, 11, 12, 13, 14])

    assert interactions.items.tolist() == [11, 13, 10, 12, 14]
    positions = (interactions.timestamps - POSITION_EPOCH_MS) // POSITION_STEP_MS
    assert positions.tolist() == [0, 1, 0, 1, 2]
    assert not interactions.timed


def test_with_timestamps_the_times_are_called_real() -> None:
    """Recency across users may be computed from them."""
    assert Interactions.build(users=[0], items=[0], timestamps=[5]).timed


def test_everything_is_liked_where_the_data_set_does_not_say() -> None:
    """An interaction without a verdict is interest."""
    assert Interactions.build(users=[0, 0], items=[1, 2]).liked.all()


def test_columns_of_different_lengths_are_refused() -> None:
    """A column that is one short would shift every event after it."""
    with pytest.raises(ValueError, match="one entry per event"):
        Interactions.build(users=[0, 1], items=[0])


def test_users_without_events_keep_an_empty_row() -> None:
    """Rows of sequences are rows of users, whoever was idle."""
    sequences = Interactions.build(users=[1, 1], items=[5, 6]).sequences(3)

    assert sequences.num_users == 3
    assert sequences.lengths.tolist() == [0, 2, 0]
    assert [items.tolist() for items in sequences] == [[], [5, 6], []]


def test_filtered_sequences_keep_users_order_and_columns() -> None:
    """Leaving events out changes no row of a user, and keeps time and liking with their item."""
    sequences = Interactions.build(
        users=[0, 0, 1, 1], items=[1, 2, 3, 4], timestamps=[10, 20, 30, 40], liked=[True, False, True, False]
    ).sequences(3)

    kept = sequences.where(np.array([False, True, True, True]))

    assert [items.tolist() for items in kept] == [[2], [3, 4], []]
    assert kept.timestamps.tolist() == [20, 30, 40]
    assert kept.liked.tolist() == [False, True, False]
    assert kept.users.tolist() == [0, 1, 1]
