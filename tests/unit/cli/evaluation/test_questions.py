"""Whom the evaluation asks about."""

from __future__ import annotations

import numpy as np
import pytest

from services.cli.evaluation.popularity import popularity_ranks
from services.cli.evaluation.questions import draw_questions
from services.cli.failure import Failure
from shared.snapshot.catalogue import Catalogue, CatalogueItem
from tests.unit.cli.evaluation.held_out import dataset_of, item_id


def catalogue(items: int = 10) -> Catalogue:
    """The catalogue of a snapshot."""
    return Catalogue(CatalogueItem(item_id(row), f"Title {row}") for row in range(items))


def test_the_newest_event_is_held_back() -> None:
    """The rest is the history, in the catalogue's rows and in order."""
    questions = draw_questions(dataset_of([3, 1, 4], [2, 7]), catalogue(), users=10, seed=0)
    assert questions.user_ids == ("u0", "u1")
    assert [history.tolist() for history in questions.histories] == [[3, 1], [2]]
    assert questions.targets.tolist() == [4, 7]
    assert questions.target_ids == (item_id(4), item_id(7))


def test_what_was_waved_away_is_seen_but_no_history() -> None:
    """As the feature store keeps it: not shown again, and nothing like it is sought."""
    dataset = dataset_of([5, 1, 3, 4], [2], waved_away=frozenset({(0, 1)}))
    questions = draw_questions(dataset, catalogue(), users=10, seed=0)
    assert questions.histories[0].tolist() == [5, 3]
    assert questions.seen[0].tolist() == [1, 3, 5]


def test_a_user_with_a_single_event_is_not_asked_about() -> None:
    """Nobody could foresee it from nothing."""
    assert draw_questions(dataset_of([3], [2, 7]), catalogue(), users=10, seed=0).user_ids == ("u1",)


def test_without_anything_to_hold_back_there_is_no_evaluation() -> None:
    """It is said rather than divided by zero."""
    with pytest.raises(Failure, match="none to hold back"):
        draw_questions(dataset_of([3], [2]), catalogue(), users=10, seed=0)


def test_the_draw_follows_the_seed() -> None:
    """Equal seeds ask about the same users; no user twice."""
    dataset = dataset_of(*([1, 2] for _ in range(50)))
    first, again, other = (draw_questions(dataset, catalogue(), users=20, seed=seed).user_ids for seed in (1, 1, 2))
    assert first == again != other
    assert len(set(first)) == 20


def test_popularity_counts_what_was_not_held_back_and_hides_what_was_seen() -> None:
    """By hand: of users 1 to 3, item 1 was met three times and item 2 twice; user 0 has seen item 1."""
    dataset = dataset_of([1, 2], [1, 2, 9], [1, 2, 8], [3, 1])
    questions = draw_questions(dataset, catalogue(), users=10, seed=0)
    # Counts of what is left: item 1 three times, item 2 twice, item 3 once.
    # u0: 1 is seen, so 2 is first. u1 and u2: 3 is first, and all that nobody met stand before 9 and 8. u3: 1 is first.
    assert popularity_ranks(dataset, catalogue(), questions).tolist() == [1, 8, 8, 1]


def test_more_users_than_fit_at_once_are_ranked_alike() -> None:
    """The chunks join without a seam."""
    dataset = dataset_of(*([number % 9, 9] for number in range(600)))
    questions = draw_questions(dataset, catalogue(), users=600, seed=0)
    ranks = popularity_ranks(dataset, catalogue(), questions)
    assert ranks.tolist() == [9] * 600
    assert ranks.dtype == np.int64
