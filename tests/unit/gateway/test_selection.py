"""Selection orders by score, lets what cannot be scored sink, and trades score for variety."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.gateway.candidates import Candidates
from services.gateway.selection import Scored, in_recall_order, ranked, select
from tests.unit.gateway.fakes import rows

#: Two categories, a unit vector for each.
ACTION, DRAMA = [1.0, 0.0], [0.0, 1.0]


def scored(*totals: float) -> Scored:
    """Candidates with these totals."""
    return Scored(Candidates.found_by_none(rows(*range(len(totals)))), np.array(totals))


def categories(*vectors: list[float]) -> NDArray[np.float32]:
    """One row for each candidate."""
    return np.array(vectors, dtype=np.float32)


def test_weights_multiply_the_scores_of_their_objectives() -> None:
    """The total is the weighted sum, in double precision."""
    found = Candidates.found_by_none(rows(0, 1))
    result = ranked(found, np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32), [10.0, 0.5])
    assert result.totals.tolist() == [11.0, 32.0]


def test_the_largest_scores_and_weights_do_not_overflow() -> None:
    """What is finite in single precision stays finite, so that a large score does not sink."""
    largest = np.full((1, 2), np.finfo(np.float32).max)
    assert np.isfinite(ranked(Candidates.found_by_none(rows(0)), largest, [1000.0, 1000.0]).totals).all()


@pytest.mark.parametrize("weights", [[1.0, 1.0], [0.0, 1.0]])
def test_one_broken_score_sinks_a_candidate_whatever_its_weight(weights: list[float]) -> None:
    """A ranker that gives NaN for an item has lost its way there; a weight of 0 does not make it right."""
    scores = np.array([[np.nan, 100.0], [-1.0, -1.0], [0.0, np.inf]], dtype=np.float32)
    result = ranked(Candidates.found_by_none(rows(0, 1, 2)), scores, weights)
    assert select(result, None, 0.0, 3).tolist() == [1, 0, 2]


def test_recall_order_scores_by_place() -> None:
    """1, 1/2, 1/3: falling, positive, and the same for any number of candidates."""
    assert in_recall_order(Candidates.found_by_none(rows(8, 3, 5))).totals.tolist() == [1.0, 1 / 2, 1 / 3]


def test_no_diversity_is_the_order_of_scores() -> None:
    """Categories make no difference at strength 0."""
    same = categories(ACTION, ACTION, DRAMA)
    assert select(scored(1.0, 3.0, 2.0), same, 0.0, 3).tolist() == [1, 2, 0]


def test_full_diversity_takes_categories_in_turn() -> None:
    """At strength 1 each place goes to the category shown least, and within it to the best score."""
    mixed = categories(ACTION, ACTION, ACTION, DRAMA, DRAMA)
    assert select(scored(5.0, 4.0, 3.0, 2.0, 1.0), mixed, 1.0, 4).tolist() == [0, 3, 1, 4]


def test_some_diversity_gives_way_to_a_much_better_score() -> None:
    """At strength 0.3 an item of the same category passes when it is far better, and not when it is close."""
    same_first = categories(ACTION, ACTION, DRAMA, DRAMA)
    assert select(scored(1.0, 0.9, 0.1, 0.0), same_first, 0.3, 2).tolist() == [0, 1]
    assert select(scored(1.0, 0.9, 0.8, 0.0), same_first, 0.3, 2).tolist() == [0, 2]


def test_diversity_keeps_what_cannot_be_scored_at_the_end() -> None:
    """Variety is no reason to show a candidate whose score is broken before one that has a score."""
    mixed = categories(ACTION, ACTION, DRAMA)
    assert select(scored(2.0, 1.0, -np.inf), mixed, 1.0, 3).tolist() == [0, 1, 2]


def test_fewer_candidates_than_asked_for_are_all_chosen() -> None:
    """There is no padding, with variety or without."""
    assert select(scored(1.0), categories(ACTION), 0.5, 5).tolist() == [0]
    assert select(scored(), categories().reshape(0, 1), 0.5, 5).tolist() == []


@given(
    st.lists(st.tuples(st.floats(-1e9, 1e9) | st.just(-np.inf), st.integers(0, 3)), max_size=30),
    st.floats(0, 1),
    st.integers(1, 40),
)
def test_selection_is_the_start_of_a_permutation(drawn: list[tuple[float, int]], diversity: float, count: int) -> None:
    """Each candidate at most once, as many as asked for or as there are, and the best score always first."""
    totals = [total for total, _ in drawn]
    vectors = np.eye(4, dtype=np.float32)[[category for _, category in drawn]].reshape(-1, 4)
    positions = select(scored(*totals), vectors, diversity, count).tolist()
    assert len(set(positions)) == len(positions) == min(count, len(drawn))
    if positions and diversity < 1.0:
        assert totals[positions[0]] == max(totals)


@given(st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]), max_size=30), st.integers(1, 31))
def test_the_best_are_those_that_sorting_all_would_show(totals: list[float], count: int) -> None:
    """Choosing before sorting changes nothing, not even the order of equal scores."""
    everything = sorted(range(len(totals)), key=lambda position: (-totals[position], position))
    assert select(scored(*totals), None, 0.0, count).tolist() == everything[:count]
