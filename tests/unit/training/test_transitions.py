"""Transitions."""

import numpy as np

from services.training.config import TransitionConfig
from services.training.datasets import Interactions
from services.training.pair_information import positive_information
from services.training.transitions import count_transitions, fit_transition_vectors
from tests.unit.training.chains import ITEMS, chain_dataset


def test_a_pair_counts_by_its_distance_and_only_forwards_and_within_a_user() -> None:
    """By hand: 0 1 2 by one user and 2 0 by another, at most two apart."""
    sequences = Interactions.build(users=[0, 0, 0, 1, 1], items=[0, 1, 2, 2, 0]).sequences(2)

    counts = count_transitions(sequences, items=3, window=2)

    assert counts.toarray().tolist() == [[0.0, 1.0, 0.5], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]


def test_information_compares_a_pair_with_chance() -> None:
    """The positive pointwise mutual information by its formula, with zeros for rarer-than-chance and unseen pairs."""
    sequences = Interactions.build(users=[0] * 6 + [1] * 4, items=[0, 1, 0, 1, 2, 0, 1, 0, 2, 1]).sequences(2)
    counts = count_transitions(sequences, items=3, window=1)
    dense = counts.toarray()
    chance = dense.sum(axis=1, keepdims=True) * dense.sum(axis=0, keepdims=True) / dense.sum()
    with np.errstate(divide="ignore"):
        expected = np.maximum(np.log(dense / chance), 0.0)

    np.testing.assert_allclose(positive_information(counts).toarray(), expected)


def test_the_factors_know_what_follows() -> None:
    """On walks around a circle, what usually follows an item is among its three strongest transitions."""
    vectors = fit_transition_vectors(
        chain_dataset(noise=0.0).sequences(), ITEMS, TransitionConfig(dimension=39, window=1), seed=0
    )
    strengths = vectors.source @ vectors.target.T

    strongest = np.argsort(-strengths, axis=1)[:, :3]
    assert np.mean([(row + 1) % ITEMS in strongest[row] for row in range(ITEMS)]) > 0.9
