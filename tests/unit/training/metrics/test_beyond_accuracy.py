"""Novelty, diversity, personalisation and popularity bias."""

from itertools import combinations

import numpy as np
import pytest

from services.training.metrics import (
    exposure_gini,
    intra_list_diversity,
    mean_popularity,
    novelty,
    personalisation,
)
from services.training.metrics.lists import NO_ITEM

LISTS = np.array([[0, 1], [0, 2], [3, NO_ITEM]])
COUNTS = np.array([8, 4, 2, 0])


def test_novelty_is_the_mean_information_in_bits() -> None:
    """Of eight users all met item 0 (0 bits), half item 1 (1 bit), a quarter item 2 (2 bits), nobody item 3 (as one: 3)."""
    np.testing.assert_allclose(novelty(LISTS, COUNTS, users=8), [0.5, 1.0, 3.0])


def test_mean_popularity_is_over_what_a_list_holds() -> None:
    """A list that has ended is not padded with items that nobody met."""
    np.testing.assert_allclose(mean_popularity(LISTS, COUNTS), [6.0, 5.0, 0.0])


def test_equal_exposure_has_a_gini_of_zero_and_one_item_for_all_is_near_one() -> None:
    """And two of four items with all places, equally, are in the middle."""
    assert exposure_gini(np.array([[0, 1], [2, 3]]), 4) == pytest.approx(0.0)
    assert exposure_gini(np.zeros((5, 1), dtype=int), 100) == pytest.approx(0.99)
    assert exposure_gini(np.array([[0, 1], [0, 1]]), 4) == pytest.approx(0.5)


def test_gini_agrees_with_its_definition_by_all_pairs() -> None:
    """The mean absolute difference over twice the mean."""
    lists = np.random.default_rng(0).integers(0, 12, (30, 4))
    exposures = np.bincount(lists.ravel(), minlength=20).astype(float)
    differences = np.abs(exposures[:, None] - exposures[None, :]).mean()
    assert exposure_gini(lists, 20) == pytest.approx(differences / (2 * exposures.mean()))


def test_personalisation_agrees_with_looking_at_all_pairs() -> None:
    """On random lists of distinct items, some of which have ended."""
    rng = np.random.default_rng(3)
    lists = np.stack([rng.permutation(15)[:5] for _ in range(25)])
    lists[4, 3:] = NO_ITEM
    overlaps = [len(set(a[a >= 0]) & set(b[b >= 0])) / 5 for a, b in combinations(lists, 2)]
    assert personalisation(lists, 15) == pytest.approx(1 - np.mean(overlaps))


def test_the_same_list_for_all_is_not_personal_and_disjoint_lists_are() -> None:
    """The two ends; and one list alone has no answer."""
    assert personalisation(np.tile(np.arange(3), (4, 1)), 9) == pytest.approx(0.0)
    assert personalisation(np.arange(9).reshape(3, 3), 9) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="fewer than two"):
        personalisation(np.array([[1]]), 9)


def test_diversity_agrees_with_looking_at_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when lists are looked at in small batches, and for a list that has ended and an item without a vector."""
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((12, 4))
    vectors[5] = 0
    lists = np.stack([rng.permutation(12)[:4] for _ in range(9)])
    lists[2, 2:] = NO_ITEM
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    expected = [np.mean([1 - unit[a] @ unit[b] for a, b in combinations(row[row >= 0], 2)]) for row in lists]
    np.testing.assert_allclose(intra_list_diversity(lists, vectors), expected)
    monkeypatch.setattr("services.training.metrics.beyond_accuracy._NUMBERS_PER_BATCH", 40)
    np.testing.assert_allclose(intra_list_diversity(lists, vectors), expected)


def test_one_item_is_not_diverse() -> None:
    """There is no pair to differ."""
    np.testing.assert_array_equal(intra_list_diversity(np.array([[1, NO_ITEM]]), np.eye(2)), [0.0])
