"""How answers are judged."""

import numpy as np
import pytest

from services.training.benchmark.questions import UNKNOWN_ITEM, AmongCandidates, ManyRelevant, NextItem

USERS = np.array([0, 1])
HISTORIES = (np.array([0], dtype=np.int32), np.array([1, 2], dtype=np.int32))
SCORES = np.array([[9.0, 1.0, 2.0, 3.0], [9.0, 8.0, 7.0, 1.0]], dtype=np.float32)
ROWS = np.array([0, 1])


def test_the_next_item_is_ranked_among_what_the_user_has_not_met() -> None:
    """The first user's item 2 is second behind 3, for 0 is masked; the second's item 3 is second behind 0."""
    judged = NextItem(USERS, HISTORIES, np.array([2, 3]), k=1).judge(ROWS, SCORES)
    np.testing.assert_array_equal(judged.metrics["hr@1"], [0, 0])
    judged = NextItem(USERS, HISTORIES, np.array([2, 3]), k=2).judge(ROWS, SCORES)
    np.testing.assert_allclose(judged.metrics["ndcg@2"], 1 / np.log2(3))
    np.testing.assert_allclose(judged.metrics["mrr@2"], 0.5)
    assert judged.lists is not None
    assert judged.lists.tolist() == [[3, 2], [0, 3]]


def test_queries_may_be_judged_in_any_order() -> None:
    """A batch names the rows that it holds."""
    questions = NextItem(USERS, HISTORIES, np.array([3, 3]), k=1)
    np.testing.assert_array_equal(questions.judge(np.array([1, 0]), SCORES[::-1]).metrics["hr@1"], [0, 1])


def test_candidates_are_ranked_among_themselves() -> None:
    """Whatever other items score; an unknown negative stands below everything, an unknown positive is a miss."""
    candidates = np.array([[2, 1, UNKNOWN_ITEM], [UNKNOWN_ITEM, 3, 2]])
    judged = AmongCandidates(USERS, HISTORIES, candidates, k=2).judge(ROWS, SCORES)
    np.testing.assert_array_equal(judged.metrics["hr@2"], [1, 0])
    np.testing.assert_array_equal(judged.metrics["ndcg@2"], [1, 0])
    assert judged.lists is None


def test_an_unknown_positive_is_a_miss_however_long_the_list() -> None:
    """Its place is after all candidates."""
    candidates = np.array([[UNKNOWN_ITEM, UNKNOWN_ITEM, UNKNOWN_ITEM]])
    judged = AmongCandidates(USERS[:1], HISTORIES[:1], candidates, k=3).judge(ROWS[:1], SCORES[:1])
    np.testing.assert_array_equal(judged.metrics["hr@3"], [0])


def test_many_relevant_items_by_hand() -> None:
    """The first user finds one of two in place 1, the second the only one in place 2."""
    relevant = (np.array([3, 1], dtype=np.int32), np.array([3], dtype=np.int32))
    judged = ManyRelevant(USERS, HISTORIES, relevant, k=2).judge(ROWS, SCORES)
    np.testing.assert_allclose(judged.metrics["recall@2"], [0.5, 1.0])
    np.testing.assert_allclose(judged.metrics["precision@2"], [0.5, 0.5])
    assert judged.metrics["ndcg@2"][0] == pytest.approx(1 / (1 + 1 / np.log2(3)))
    assert judged.metrics["ndcg@2"][1] == pytest.approx(1 / np.log2(3))
    assert list(judged.metrics)[-1] == "ndcg@2"
