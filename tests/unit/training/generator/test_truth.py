"""The latent model, on vectors that can be worked by hand."""

import numpy as np
import pytest

from services.training.generator import Truth
from services.training.generator.truth import LIKED_THRESHOLD, SEQUENCE_STRENGTH, TASTE_STRENGTH

EAST, NORTH = np.eye(2, dtype=np.float32)


@pytest.fixture
def truth() -> Truth:
    """A user who turns from east to north, one who stays east; item 0 lies east, item 1 north and is better."""
    return Truth(
        first_tastes=np.stack([EAST, EAST]),
        last_tastes=np.stack([NORTH, EAST]),
        item_factors=np.stack([EAST, NORTH]),
        follow_factors=np.stack([NORTH, EAST]),
        quality=np.array([0.0, 1.5], dtype=np.float32),
        released_at=np.zeros(2, dtype=np.int64),
    )


def logistic(value: float) -> float:
    """The probability that belongs to log-odds."""
    return float(1 / (1 + np.exp(-value)))


def test_preference_is_the_logistic_of_taste_and_quality(truth: Truth) -> None:
    """By hand, at the end of the period: user 0 is at a right angle to item 0 and in line with item 1."""
    preference = truth.preference(np.array([0, 0]), np.array([0, 1]))

    assert preference == pytest.approx(
        [logistic(-LIKED_THRESHOLD), logistic(TASTE_STRENGTH + 1.5 - LIKED_THRESHOLD)], rel=1e-5
    )


def test_taste_moves_from_the_first_to_the_last(truth: Truth) -> None:
    """User 0 starts in line with item 0, is half way in the middle, and ends at a right angle."""
    start, middle, end = truth.preference(np.array([0, 0, 0]), np.array([0, 0, 0]), np.array([0.0, 0.5, 1.0]))

    assert start == pytest.approx(logistic(TASTE_STRENGTH - LIKED_THRESHOLD), rel=1e-5)
    assert middle == pytest.approx(logistic(TASTE_STRENGTH / np.sqrt(2) - LIKED_THRESHOLD), rel=1e-5)
    assert end == pytest.approx(logistic(-LIKED_THRESHOLD), rel=1e-5)


def test_preference_broadcasts_users_against_items(truth: Truth) -> None:
    """A column of users and a row of items give the whole matrix."""
    matrix = truth.preference(np.array([[0], [1]]), np.array([[0, 1]]))

    assert matrix.shape == (2, 2)
    assert matrix[1, 0] == truth.preference(np.array([1]), np.array([0]))[0]


def test_a_session_draws_towards_what_the_last_item_leads_to(truth: Truth) -> None:
    """By hand: item 0 leads north; at the start of a session nothing leads anywhere."""
    users, progress = np.array([1, 1]), np.ones(2, dtype=np.float32)

    logits = truth.choice_logits(users, np.array([-1, 0]), progress)

    assert logits.tolist() == [[TASTE_STRENGTH, 1.5], [TASTE_STRENGTH, SEQUENCE_STRENGTH + 1.5]]
