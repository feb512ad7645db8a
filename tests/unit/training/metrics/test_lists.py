"""Recommended lists, and the metrics for several relevant items."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.training.metrics import catalogue_coverage, history_mask, list_ndcg, list_recall, relevance, top_k
from services.training.metrics.lists import NO_ITEM


@given(
    scores=st.lists(st.lists(st.integers(0, 4), min_size=7, max_size=7), min_size=1, max_size=4),
    k=st.integers(1, 9),
    history=st.sets(st.integers(0, 6)),
)
def test_the_best_k_are_a_stable_sort_without_the_history(scores: list[list[int]], k: int, history: set[int]) -> None:
    """Ties stand in order of row, also at the border; lists that run out of items end with no item."""
    masked = history_mask([np.array(sorted(history), dtype=np.int64)] * len(scores), 7)

    best = top_k(np.array(scores, dtype=np.float32), k, masked)

    for row, ranked in zip(scores, best.tolist(), strict=True):
        allowed = [item for item in range(7) if item not in history]
        expected = sorted(allowed, key=lambda item: -row[item])[:k]
        assert ranked == expected + [NO_ITEM] * (k - len(expected))


def test_what_is_not_a_number_is_never_recommended() -> None:
    """Nor is what scores minus infinity: the list ends instead."""
    scores = np.array([[float("nan"), 1.0, -float("inf"), 2.0]])

    assert top_k(scores, 3).tolist() == [[3, 1, NO_ITEM]]
    assert top_k(scores, 1, history_mask([np.array([3])], 4)).tolist() == [[1]]


def test_relevance_marks_the_places_of_relevant_items() -> None:
    """Items relevant to one query are not relevant to the next, and no item is relevant to nobody."""
    recommended = np.array([[4, 0, 2], [4, 1, NO_ITEM], [0, NO_ITEM, NO_ITEM]])

    hits = relevance(recommended, [np.array([2, 4]), np.array([1, 3]), np.array([], dtype=np.int64)], num_items=5)

    assert hits.tolist() == [[True, False, True], [False, True, False], [False, False, False]]


def test_no_item_is_not_taken_for_the_last_item_of_the_query_before() -> None:
    """Item 4 is the last of five, and relevant to the query before the one whose list has ended."""
    assert not relevance(np.array([[0], [NO_ITEM]]), [np.array([4]), np.array([1])], num_items=5).any()


def test_without_relevant_items_nothing_is_relevant() -> None:
    """A batch may consist of such queries alone."""
    assert not relevance(np.array([[0, 1]]), [np.array([], dtype=np.int64)], num_items=2).any()


HITS = np.array([[True, False, True, False], [False, True, False, True], [False, False, False, False]])
NUM_RELEVANT = np.array([2, 5, 1])


def test_recall_is_the_share_of_the_relevant_items_found() -> None:
    """By hand, at the full length of the lists and at two."""
    assert list_recall(HITS, NUM_RELEVANT, 4) == pytest.approx([1.0, 0.4, 0.0])
    assert list_recall(HITS, NUM_RELEVANT, 2) == pytest.approx([0.5, 0.2, 0.0])


def test_ndcg_compares_with_the_ideal_list_of_the_same_length() -> None:
    """By hand: the ideal of the second query is cut at k, for five relevant items do not fit in four places."""
    first = (1 + 1 / 2) / (1 + 1 / np.log2(3))
    second = (1 / np.log2(3) + 1 / np.log2(5)) / (1 + 1 / np.log2(3) + 1 / 2 + 1 / np.log2(5))

    assert list_ndcg(HITS, NUM_RELEVANT, 4) == pytest.approx([first, second, 0.0])


def test_ndcg_is_one_for_the_ideal_list() -> None:
    """Every place holds a relevant item, or all of them stand first."""
    hits = np.array([[True, True, True], [True, False, False]])

    assert list_ndcg(hits, np.array([9, 1]), 3) == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize("metric", [list_recall, list_ndcg])
def test_a_query_without_relevant_items_is_refused(metric: object) -> None:
    """Neither 0 nor 1 would be true, and a mean over either would mislead."""
    assert callable(metric)
    with pytest.raises(ValueError, match="leave it out"):
        metric(HITS, np.array([1, 1, 0]), 4)


@pytest.mark.parametrize("k", [0, 5])
def test_a_k_that_the_lists_do_not_have_is_refused(k: int) -> None:
    """Recall at 5 of a list of 4 would be called what it is not."""
    with pytest.raises(ValueError, match=f"k is {k}, but the lists have 4 places"):
        list_recall(HITS, NUM_RELEVANT, k)


def test_coverage_counts_distinct_recommended_items() -> None:
    """By hand: items 0, 3 and 4 of ten; a place without item is none of them."""
    assert catalogue_coverage(np.array([[0, 3], [3, 4], [0, NO_ITEM]]), num_items=10) == pytest.approx(0.3)
