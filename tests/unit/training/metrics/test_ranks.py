"""Ranks in the full catalogue, and the metrics that follow from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.training.metrics import history_mask, hit_rate, ndcg, rank_of_target, reciprocal_rank

NAN = float("nan")
INFINITY = float("inf")


def rank(scores: list[float], target: int, history: tuple[int, ...] = ()) -> int:
    """The rank of one target for one query."""
    masked = history_mask([np.array(history, dtype=np.int64)], len(scores))
    return int(rank_of_target(np.array([scores]), np.array([target]), masked)[0])


@pytest.mark.parametrize(
    ("scores", "target", "history", "expected"),
    [
        ([0.1, 0.9, 0.5], 1, (), 1),
        ([0.1, 0.9, 0.5], 0, (), 3),
        ([0.1, 0.9, 0.5], 0, (1,), 2),
        ([0.1, 0.9, 0.5], 0, (1, 2), 1),
        ([0.1, 0.9, 0.5], 2, (2,), 2),
        ([0.5, 0.5, 0.5], 0, (), 3),
        ([0.5, 0.5, 0.5], 0, (1,), 2),
        ([NAN, 0.2, 0.1], 1, (), 1),
        ([NAN, 0.2, 0.1], 0, (), 3),
        ([NAN, NAN, 0.1], 0, (), 3),
        ([-INFINITY, -INFINITY, 0.1], 0, (), 3),
        ([INFINITY, 5.0, 0.1], 1, (), 2),
    ],
    ids=[
        "best",
        "worst",
        "history is left out",
        "alone when all others are history",
        "a target in the history is ranked all the same",
        "a tie goes against the target",
        "a tie with history does not count",
        "what is not a number loses",
        "a target that is not a number is last",
        "a tie of what is not a number goes against the target",
        "minus infinity ties like a number",
        "infinity wins",
    ],
)
def test_ranks_worked_by_hand(scores: list[float], target: int, history: tuple[int, ...], expected: int) -> None:
    """The id of each case is the rule that it shows."""
    assert rank(scores, target, history) == expected


@given(
    scores=st.lists(st.integers(0, 5), min_size=2, max_size=12),
    history=st.sets(st.integers(0, 11)),
    target=st.integers(0, 11),
)
def test_a_rank_is_one_more_than_the_allowed_others_that_are_not_worse(
    scores: list[int], history: set[int], target: int
) -> None:
    """The definition, counted one by one; small integers make ties common."""
    target %= len(scores)
    history = {item for item in history if item < len(scores)}
    others = [item for item in range(len(scores)) if item != target and item not in history]

    expected = 1 + sum(scores[item] >= scores[target] for item in others)

    assert rank([float(score) for score in scores], target, tuple(history)) == expected


def test_queries_are_ranked_each_for_itself() -> None:
    """Two queries, two histories, without and with a mask."""
    scores = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]], dtype=np.float32)
    targets = np.array([2, 1])

    assert rank_of_target(scores, targets).tolist() == [3, 2]
    masked = history_mask([np.array([0]), np.array([], dtype=np.int64)], 3)
    assert rank_of_target(scores, targets, masked).tolist() == [2, 2]


def test_a_constant_model_gains_nothing() -> None:
    """With ties against the target, scoring everything alike puts every target last."""
    ranks = rank_of_target(np.zeros((4, 100)), np.arange(4))

    assert hit_rate(ranks, 10).mean() == 0.0


def test_histories_are_marked_where_there_are_any() -> None:
    """Repeated items are marked once, and nobody's history is nobody else's."""
    masked = history_mask([np.array([2, 0, 2]), np.array([], dtype=np.int64)], 3)

    assert masked.tolist() == [[True, False, True], [False, False, False]]
    assert not history_mask([np.array([], dtype=np.int64)], 2).any()


RANKS = np.array([1, 2, 3, 10, 11])


def test_hit_rate_counts_ranks_up_to_k() -> None:
    """By hand: rank 10 is a hit at 10, rank 11 is not."""
    assert hit_rate(RANKS, 10).tolist() == [1, 1, 1, 1, 0]
    assert hit_rate(RANKS, 1).tolist() == [1, 0, 0, 0, 0]


def test_ndcg_of_one_relevant_item_is_its_discount() -> None:
    """By hand: 1/log2(2), 1/log2(3), 1/log2(4), 1/log2(11), and nothing beyond k."""
    assert ndcg(RANKS, 10) == pytest.approx([1.0, 0.6309297535714575, 0.5, 0.2890648263178879, 0.0])


def test_reciprocal_rank_is_cut_at_k() -> None:
    """By hand."""
    assert reciprocal_rank(RANKS, 10) == pytest.approx([1.0, 0.5, 1 / 3, 0.1, 0.0])
