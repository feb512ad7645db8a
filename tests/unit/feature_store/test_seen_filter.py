"""The filter of items seen long ago: it misses none that it should know, and takes few others for seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feature_store.seen_filter import ItemHashes, add_items, hash_items, may_have_seen, seen_rows

item_lists = st.lists(st.lists(st.text(max_size=3), min_size=1, max_size=12), min_size=1, max_size=6)


def names(start: int, stop: int) -> list[str]:
    """Returns item ids."""
    return [f"item-{number}" for number in range(start, stop)]


@given(item_lists)
def test_what_was_added_is_found(batches: list[list[str]]) -> None:
    """Whatever was added in between, while it fits into the filter."""
    encoded = None
    for batch in batches:
        encoded = add_items(encoded, batch, capacity=100)
    assert encoded is not None
    assert may_have_seen(encoded, [item for batch in batches for item in batch]).all()


def test_few_others_are_taken_for_seen() -> None:
    """Below one in a hundred, with both generations full."""
    encoded = add_items(None, names(0, 4_000), capacity=2_000)
    assert may_have_seen(encoded, names(4_000, 104_000)).mean() < 0.01


def test_the_rows_of_a_snapshot_are_those_that_a_look_at_each_item_gives() -> None:
    """Ascending, each once, though both generations may have an item."""
    catalogue = names(0, 5_000)
    encoded = add_items(add_items(None, names(100, 180), capacity=50), names(100, 110), capacity=50)
    hashes = ItemHashes(hash_items(catalogue))
    expected = np.flatnonzero(may_have_seen(encoded, catalogue))
    for _ in range(2):  # the first probe is remembered
        rows = seen_rows(encoded, hashes)
        assert rows.dtype == np.uint32
        assert np.array_equal(rows, expected)
    assert {*range(130, 180)} <= {*rows.tolist()}


def test_a_full_filter_forgets_the_oldest_generation() -> None:
    """The last full generation is always known; what is two generations old is not, and the size stays."""
    encoded = add_items(None, names(0, 100), capacity=100)
    two_generations = len(add_items(encoded, names(100, 200), capacity=100))
    for start in range(100, 2_000, 70):
        encoded = add_items(encoded, names(start, start + 70), capacity=100)
        assert may_have_seen(encoded, names(max(0, start - 30), start + 70)).all()
        assert len(encoded) <= two_generations
    assert may_have_seen(encoded, names(0, 1_700)).mean() < 0.05


def test_an_item_that_is_known_takes_no_room() -> None:
    """Adding the same again and again forgets nothing else."""
    encoded = add_items(None, ["first", *names(0, 50)], capacity=100)
    for _ in range(20):
        encoded = add_items(encoded, names(0, 50), capacity=100)
    assert may_have_seen(encoded, ["first"]).all()


@pytest.mark.parametrize(("before", "after"), [(10, 1_000), (1_000, 10)])
def test_a_filter_that_was_begun_with_another_bound_is_read_on(before: int, after: int) -> None:
    """A setting that changes forgets nothing at once."""
    encoded = add_items(add_items(None, names(0, 10), before), names(10, 15), after)
    assert may_have_seen(encoded, names(0, 15)).all()
