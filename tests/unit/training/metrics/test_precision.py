"""Precision, F1, MAP, MRR and hits of lists."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from services.training.metrics import (
    average_precision,
    list_f1,
    list_hit_rate,
    list_ndcg,
    list_precision,
    list_reciprocal_rank,
)

# The first query finds two of its three relevant items in places 1 and 3, the second nothing, the third its only one last.
HITS = np.array([[True, False, True, False], [False, False, False, False], [False, False, False, True]])
RELEVANT = np.array([3, 2, 1])


def test_precision_is_the_share_of_places_with_a_relevant_item() -> None:
    """Two of four, none, one of four."""
    np.testing.assert_allclose(list_precision(HITS, 4), [0.5, 0.0, 0.25])
    np.testing.assert_allclose(list_precision(HITS, 2), [0.5, 0.0, 0.0])


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    """Precision 1/2 with recall 2/3 gives 4/7; 1/4 with 1 gives 2/5; nothing found gives 0 and not a division by it."""
    np.testing.assert_allclose(list_f1(HITS, RELEVANT, 4), [4 / 7, 0.0, 2 / 5])


def test_average_precision_by_hand() -> None:
    """Precision is 1 in place 1 and 2/3 in place 3, over three relevant items; then over two where only two would fit."""
    np.testing.assert_allclose(average_precision(HITS, RELEVANT, 4), [(1 + 2 / 3) / 3, 0.0, 1 / 4])
    np.testing.assert_allclose(average_precision(HITS, RELEVANT, 2), [1 / 2, 0.0, 0.0])


def test_reciprocal_rank_and_hit_rate_look_at_the_first_hit() -> None:
    """A later hit changes neither, and one below k does not count."""
    np.testing.assert_allclose(list_reciprocal_rank(HITS, 4), [1.0, 0.0, 0.25])
    np.testing.assert_allclose(list_reciprocal_rank(HITS, 3), [1.0, 0.0, 0.0])
    np.testing.assert_allclose(list_hit_rate(HITS, 4), [1.0, 0.0, 1.0])
    np.testing.assert_allclose(list_hit_rate(HITS, 3), [1.0, 0.0, 0.0])


def test_whole_lists_agree_with_scikit_learn() -> None:
    """MAP and NDCG of complete random orders, against another implementation."""
    rng = np.random.default_rng(5)
    labels = rng.random((40, 30)) < 0.2
    labels[:, 0] = True  # scikit-learn's average precision needs a relevant item
    hits = np.stack([rng.permutation(row) for row in labels])
    scores = np.broadcast_to(-np.arange(30.0), hits.shape)
    counts = hits.sum(axis=1)
    np.testing.assert_allclose(
        average_precision(hits, counts, 30),
        [average_precision_score(row, order) for row, order in zip(hits, scores, strict=True)],
    )
    for k in (5, 30):
        assert list_ndcg(hits, counts, k).mean() == pytest.approx(ndcg_score(hits, scores, k=k))


@pytest.mark.parametrize("metric", [list_precision, list_hit_rate, list_reciprocal_rank])
def test_a_longer_list_than_there_is_is_refused(metric: object) -> None:
    """Instead of a figure that means another k."""
    with pytest.raises(ValueError, match="k is 5, but the lists have 4 places"):
        metric(HITS, 5)  # type: ignore[operator]
