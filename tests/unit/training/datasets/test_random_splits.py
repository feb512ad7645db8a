"""Splits by time, in folds, and with drawn negatives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.training.datasets import Interactions, Sequences, k_folds, sample_unmet, split_by_time


def sequences(times: list[list[int]]) -> Sequences:
    """Users with an event at each of their times; the items are numbered through."""
    users = np.repeat(np.arange(len(times)), [len(one) for one in times])
    flat = [time for one in times for time in one]
    return Interactions.build(users=users, items=np.arange(len(flat)), timestamps=flat).sequences(len(times))


def test_everything_from_one_moment_on_is_held_out() -> None:
    """For all users alike: who came later has no past, and who left earlier no test. Ties go to the test together."""
    split = split_by_time(sequences([[1, 2, 50], [60, 70], [3], [50, 4]]), share=0.4)
    assert [len(row) for row in split.train] == [2, 0, 1, 1]
    assert [len(row) for row in split.held_out] == [1, 2, 0, 1]
    assert split.train.timestamps.max() < split.held_out.timestamps.min() == 50


@given(
    times=st.lists(st.lists(st.integers(0, 40), max_size=8), min_size=1, max_size=8).filter(any),
    share=st.floats(0.01, 0.99),
)
def test_no_part_knows_the_other_s_time_and_nothing_is_lost(times: list[list[int]], share: float) -> None:
    """Whatever the data are."""
    events = sequences(times)
    split = split_by_time(events, share)
    assert sorted([*split.train.items, *split.held_out.items]) == sorted(events.items)
    assert len(split.held_out.items)
    if len(split.train.items):
        assert split.train.timestamps.max() < split.held_out.timestamps.min()


def test_a_share_that_leaves_a_part_empty_is_refused() -> None:
    """And so is nothing at all."""
    with pytest.raises(ValueError, match="share must be between 0 and 1"):
        split_by_time(sequences([[1]]), 1.0)
    with pytest.raises(ValueError, match="no events"):
        split_by_time(sequences([[]]))


@given(count=st.integers(2, 60), folds=st.integers(2, 9), seed=st.integers(0, 99))
def test_each_example_is_tested_once_by_a_model_that_has_not_seen_it(count: int, folds: int, seed: int) -> None:
    """And folds differ by one example at most."""
    if folds > count:
        with pytest.raises(ValueError, match=f"folds must be from 2 to {count}"):
            list(k_folds(count, folds, seed))
        return
    parts = list(k_folds(count, folds, seed))
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(count))
    assert max(len(test) for _, test in parts) - min(len(test) for _, test in parts) <= 1
    for train, test in parts:
        assert sorted([*train, *test]) == list(range(count))


def test_folds_are_drawn_by_the_seed() -> None:
    """The same again for the same seed, others for another."""
    first, again, other = (np.concatenate([test for _, test in k_folds(50, 5, seed)]) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


def test_negatives_are_distinct_and_never_met() -> None:
    """For every user, also where hardly any item is left."""
    met = Interactions.build(users=[0, 0, 1, 1, 1, 1], items=[3, 4, 0, 1, 2, 3]).sequences(3)
    drawn = sample_unmet(met, items=7, negatives=3, seed=0)
    assert drawn.shape == (3, 3)
    for row, history in zip(drawn, met, strict=True):
        assert len(set(row.tolist())) == 3
        assert not set(row.tolist()) & set(history.tolist())
    assert set(drawn[1].tolist()) == {4, 5, 6}
    with pytest.raises(ValueError, match="user 1 has 3 unmet items, fewer than 4"):
        sample_unmet(met, items=7, negatives=4, seed=0)


def test_every_unmet_item_is_drawn_about_as_often() -> None:
    """Negatives by popularity would be another protocol."""
    none_met = Interactions.build(users=[], items=[]).sequences(3000)
    counts = np.bincount(sample_unmet(none_met, items=10, negatives=3, seed=1).ravel(), minlength=10)
    np.testing.assert_allclose(counts, 900, atol=100)
