"""A filter puts every candidate with what it keeps or with what it removes, and keeps the order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.candidates import Candidates
from services.gateway.filters import (
    ConditionFilter,
    DuplicateFilter,
    Filter,
    RowFilter,
    apply_filters,
    popular_candidates,
)
from tests.unit.gateway.fakes import rows

ITEMS = 10
EVEN = np.arange(ITEMS) % 2 == 0


def candidates(*chosen: int) -> Candidates:
    """Candidates whose columns can be told apart: a row's channel score is the row."""
    found = rows(*chosen)
    return Candidates(found, found + 1, found.astype(np.float32)[:, np.newaxis], ("content",))


@pytest.mark.parametrize(
    ("one", "kept", "removed"),
    [
        (RowFilter("seen", rows(7, 1)), [3, 4], [1, 7]),
        (RowFilter("seen", rows()), [3, 1, 4, 7], []),
        (ConditionFilter(EVEN), [4], [3, 1, 7]),
        (ConditionFilter(None), [3, 1, 4, 7], []),
        (DuplicateFilter(), [3, 1, 4, 7], []),
    ],
)
def test_kept_and_removed_are_told_apart(one: Filter, kept: list[int], removed: list[int]) -> None:
    """Every candidate is in one of the two, in the order in which it came."""
    filtered = one.split(candidates(3, 1, 4, 7))
    assert filtered.kept.rows.tolist() == kept
    assert filtered.removed.rows.tolist() == removed


def test_the_first_of_two_equal_rows_is_kept() -> None:
    """It stands where recall thought best of it."""
    filtered = DuplicateFilter().split(candidates(5, 2, 5, 2, 1))
    assert filtered.kept.rows.tolist() == [5, 2, 1]
    assert filtered.removed.rows.tolist() == [5, 2]


def test_all_columns_go_with_their_row() -> None:
    """A candidate keeps its own channels and scores when others are removed."""
    kept = RowFilter("seen", rows(3)).split(candidates(9, 3, 6)).kept
    assert kept.found_by.tolist() == [10, 7]
    assert kept.channel_scores.tolist() == [[9.0], [6.0]]
    assert kept.hits(np.array([1])) == [(("content", 6.0),)]


def test_filters_run_in_order_and_count_what_they_remove() -> None:
    """A candidate that two filters would remove counts for the first."""
    filters = (RowFilter("seen", rows(1, 2)), RowFilter("excluded", rows(2, 3)))
    kept, removed = apply_filters(filters, candidates(1, 2, 3, 4))
    assert kept.rows.tolist() == [4]
    assert removed == {"seen": 2, "excluded": 1}


def test_popular_items_come_in_their_order_past_the_filters() -> None:
    """The most popular that pass, no more than asked for, found by no channel."""
    popular = popular_candidates(rows(9, 8, 7, 6, 5, 4, 3, 2, 1, 0), [ConditionFilter(EVEN)], 3)
    assert popular.rows.tolist() == [8, 6, 4]
    assert popular.found_by.tolist() == [0, 0, 0]


@given(st.permutations(range(ITEMS)), st.sets(st.integers(0, ITEMS - 1)), st.integers(0, ITEMS + 2))
def test_popular_items_are_found_while_any_pass(order: list[int], blocked: set[int], count: int) -> None:
    """As many as asked for or as there are, however far down they stand."""
    popular = popular_candidates(rows(*order), [RowFilter("seen", rows(*blocked))], count)
    assert popular.rows.tolist() == [row for row in order if row not in blocked][:count]


@given(st.lists(st.integers(0, ITEMS - 1)), st.lists(st.integers(0, ITEMS - 1)))
def test_blocked_rows_are_removed_wherever_they_stand(found: list[int], blocked: list[int]) -> None:
    """Before the first blocked row, between two, and after the last."""
    filtered = RowFilter("seen", rows(*blocked)).split(candidates(*found))
    assert filtered.kept.rows.tolist() == [row for row in found if row not in blocked]
    assert filtered.removed.rows.tolist() == [row for row in found if row in blocked]
