"""Cutting sequences into windows."""

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.training.datasets import Interactions
from services.training.sequence.encoder import PADDING
from services.training.sequence.windows import Windows, cut_windows, pad_histories

# The items of all users are numbered through, so that an event is known by its item.
LENGTHS = st.lists(st.integers(0, 30), min_size=1, max_size=5)


@given(lengths=LENGTHS, width=st.integers(1, 9), seed=st.none() | st.integers(0, 5))
def test_every_event_is_a_target_after_what_came_before_it(lengths: list[int], width: int, seed: int | None) -> None:
    """Each event of each user is a target, the position beside it holds the user's event before, or padding."""
    users = np.repeat(np.arange(len(lengths)), lengths)
    events = np.arange(len(users))
    sequences = Interactions.build(users=users, items=events).sequences(len(lengths))

    windows = cut_windows(sequences, width, None if seed is None else np.random.default_rng(seed))

    asked = windows.target != PADDING
    assert set(windows.target[asked].tolist()) == set(events.tolist())
    starts = set(sequences.offsets[:-1].tolist())
    for previous, target in zip(windows.history[asked].tolist(), windows.target[asked].tolist(), strict=True):
        assert previous == (PADDING if target in starts else target - 1)
    assert (windows.history[~asked] == PADDING).all()
    assert windows.history.shape == windows.target.shape == (len(windows), width)


def test_without_a_generator_the_newest_events_fill_a_window() -> None:
    """By hand: seven events in windows of three are cut at the end, and the first window is padded."""
    sequences = Interactions.build(users=[0] * 7, items=range(7)).sequences(1)

    windows = cut_windows(sequences, 3)

    assert sorted(windows.target.tolist()) == [[PADDING, PADDING, 0], [1, 2, 3], [4, 5, 6]]


def test_a_generator_moves_the_cuts() -> None:
    """Another draw cuts a long sequence elsewhere."""
    sequences = Interactions.build(users=[0] * 40, items=range(40)).sequences(1)

    cuts = {tuple(cut_windows(sequences, 8, np.random.default_rng(seed)).target[0]) for seed in range(6)}

    assert len(cuts) > 1


@given(lengths=LENGTHS, width=st.integers(1, 9), together=st.integers(1, 4))
def test_windows_of_like_lengths_ask_what_all_windows_ask(lengths: list[int], width: int, together: int) -> None:
    """The same targets after the same histories, in parts that no column of padding fills to the left."""
    users = np.repeat(np.arange(len(lengths)), lengths)
    windows = cut_windows(Interactions.build(users=users, items=np.arange(len(users))).sequences(len(lengths)), width)

    parts = list(windows.by_length(together))

    found = [(history[-width:], target) for part in parts for history, target in _asked(part)]
    assert sorted(found) == sorted((history[-width:], target) for history, target in _asked(windows))
    assert all((part.target != PADDING).any(axis=0).all() for part in parts)
    assert all(1 <= len(part) <= together for part in parts)


def _asked(windows: Windows) -> Iterator[tuple[list[int], int]]:
    """Each target with the items before and beside it that its window shows."""
    for row, column in np.argwhere(windows.target != PADDING).tolist():
        shown = windows.history[row, : column + 1]
        yield shown[shown != PADDING].tolist(), int(windows.target[row, column])


def test_short_histories_are_not_computed_at_the_length_of_a_long_one() -> None:
    """By hand: the window of two events goes with that of one, and both are two columns wide."""
    events = Interactions.build(users=[0] * 5 + [1] + [2] * 2, items=range(8)).sequences(3)

    short, long = cut_windows(events, 5).by_length(2)

    assert short.target.tolist() == [[PADDING, 5], [6, 7]]
    assert long.target.tolist() == [[0, 1, 2, 3, 4]]


def test_a_batch_holds_the_newest_items_on_the_right() -> None:
    """Long histories lose their oldest items; short ones, and empty ones, get padding on the left."""
    batch = pad_histories([np.asarray([1, 2, 3, 4]), np.asarray([5]), np.asarray([], dtype=np.int32)], 3)

    assert batch.tolist() == [[2, 3, 4], [PADDING, PADDING, 5], [PADDING, PADDING, PADDING]]
