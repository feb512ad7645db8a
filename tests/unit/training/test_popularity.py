"""Popularity."""

import numpy as np

from services.training.datasets import Interactions
from services.training.popularity import recent_popularity

DAY = 86_400_000


def test_an_interaction_a_half_life_old_counts_half() -> None:
    """By hand: items met today, 30 and 60 days ago with a half-life of 30 days, and one that nobody met."""
    sequences = Interactions.build(
        users=[0, 0, 0, 1], items=[2, 1, 0, 0], timestamps=[0, 30 * DAY, 60 * DAY, 60 * DAY]
    ).sequences(2)

    weights = recent_popularity(sequences, items=4, half_life_days=30.0)

    np.testing.assert_allclose(weights, [2.0, 0.5, 0.25, 0.0])
    assert weights.dtype == np.float32


def test_without_a_half_life_all_interactions_count_alike() -> None:
    """Where times are unknown, popularity is a count."""
    sequences = Interactions.build(users=[0, 0, 1], items=[1, 0, 1]).sequences(2)

    assert recent_popularity(sequences, items=3, half_life_days=None).tolist() == [1.0, 2.0, 0.0]
