"""How far two rankings agree."""

import numpy as np
import pytest

from services.training.metrics.lists import NO_ITEM
from services.training.recall_lists import ListedQueries
from services.training.variants.agreement import agree


def listed(queries: int = 3, places: int = 20) -> ListedQueries:
    """Returns queries whose target is their list's first item."""
    lists = np.tile(np.arange(places), (queries, 1))
    lists[1, 12:] = NO_ITEM
    return ListedQueries(np.arange(queries), np.zeros((queries, 4), dtype=np.int64), lists, np.zeros(queries, np.int64))


def falling(queries: int = 3, places: int = 20) -> np.ndarray:
    """Returns scores in the order of the lists."""
    return np.tile(np.arange(places, 0, -1, dtype=np.float32), (queries, 1))


def test_the_same_scores_agree_in_everything() -> None:
    """Whatever stands where a list has ended."""
    other = falling()
    other[1, 12:] = 1e6
    agreement = agree(listed(), falling(), other)
    assert (agreement.spearman, agreement.overlap, agreement.ndcg_loss, agreement.largest) == (1, 1, 0, 0)
    assert agreement.ndcg == 1


def test_a_constant_on_top_of_a_query_s_scores_changes_no_order() -> None:
    """Scores are comparable within a query alone; only the largest difference shows it."""
    agreement = agree(listed(), falling(), falling() + 3)
    assert (agreement.spearman, agreement.overlap, agreement.ndcg_loss) == (1, 1, 0)
    assert agreement.largest == 3


def test_the_opposite_order_agrees_in_nothing() -> None:
    """A correlation of -1; of lists of 20 the first ten are the other ten; of one of 12 eight remain."""
    agreement = agree(listed(), falling(), -falling())
    assert agreement.spearman == pytest.approx(-1)
    assert agreement.overlap == pytest.approx((0 + 0.8 + 0) / 3)
    assert agreement.ndcg_loss == 1


def test_the_loss_is_relative() -> None:
    """The target of one of three queries falls from the first place to the third: NDCG@10 from 1 to 1/2."""
    other = falling()
    other[0, 0] = 17.5
    agreement = agree(listed(), falling(), other)
    assert agreement.ndcg == pytest.approx((0.5 + 1 + 1) / 3)
    assert agreement.ndcg_loss == pytest.approx(0.5 / 3)
    assert agreement.ndcg_loss_error == pytest.approx(np.std([0.5, 0, 0]) / np.sqrt(3))


def test_correlation_is_spearman_s() -> None:
    """Against the formula through ranks, as Pearson's correlation of them."""
    random = np.random.default_rng(0)
    full, other = random.standard_normal((2, 1, 15))
    one = ListedQueries(np.arange(1), np.zeros((1, 1), np.int64), np.arange(15)[None], np.zeros(1, np.int64))
    ranks = np.argsort(np.argsort(np.concatenate([full, other]), axis=1), axis=1)
    assert agree(one, full, other).spearman == pytest.approx(np.asarray(np.corrcoef(ranks))[0, 1])
