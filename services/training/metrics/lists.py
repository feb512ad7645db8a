"""Metrics for recommended lists with any number of relevant items a query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# Stands where a list is shorter than k because fewer items may be recommended.
NO_ITEM = -1


def top_k(
    scores: npt.NDArray[np.floating], k: int, masked: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.int64]:
    """The k best items of each query, best first.

    Equal scores stand in order of item row, also at the border of the list. A score that is not a number counts as
    minus infinity; what scores minus infinity is never recommended.

    Args:
        scores: [queries, items], higher is better.
        k: the length of the lists, at least 1.
        masked: [queries, items], True where an item may not be recommended.

    Returns:
        int64 [queries, k] item rows, and `NO_ITEM` at the end of lists that run out of items.
    """
    hidden = np.isnan(scores) if masked is None else np.isnan(scores) | masked
    usable = np.where(hidden, -np.inf, scores)
    length = min(k, usable.shape[1])
    lowest = np.partition(usable, -length, axis=1)[:, -length, None]
    above = usable > lowest
    tied = usable == lowest
    free_places = length - np.count_nonzero(above, axis=1, keepdims=True)
    chosen = above | (tied & (np.cumsum(tied, axis=1) <= free_places))
    items = np.nonzero(chosen)[1].reshape(len(usable), length)
    chosen_scores = np.take_along_axis(usable, items, axis=1)
    order = np.argsort(-chosen_scores, axis=1, kind="stable")
    ranked = np.full((len(usable), k), NO_ITEM, dtype=np.int64)
    ranked[:, :length] = np.take_along_axis(items, order, axis=1)
    ranked[:, :length][np.take_along_axis(chosen_scores, order, axis=1) == -np.inf] = NO_ITEM
    return ranked


def relevance(
    recommended: npt.NDArray[np.integer], relevant: Sequence[npt.NDArray[np.integer]], num_items: int
) -> npt.NDArray[np.bool_]:
    """Which places of each list hold a relevant item.

    Args:
        recommended: [queries, k] item rows, best first, `NO_ITEM` where a list has ended.
        relevant: one array of distinct item rows for each query.
        num_items: the size of the catalogue.

    Returns:
        bool [queries, k].
    """
    queries = np.repeat(np.arange(len(relevant)), [len(items) for items in relevant])
    # A (query, item) pair as one number; the extra column keeps NO_ITEM from meeting the previous query's last item.
    width = num_items + 1
    pairs = queries * width + np.concatenate(relevant) if len(queries) else queries
    hits: npt.NDArray[np.bool_] = np.isin(np.arange(len(recommended))[:, None] * width + recommended, pairs)
    return hits


def list_recall(hits: npt.NDArray[np.bool_], num_relevant: npt.NDArray[np.integer], k: int) -> npt.NDArray[np.float64]:
    """The share of each query's relevant items that are in the first k places.

    Args:
        hits: [queries, at least k], as `relevance` gives them.
        num_relevant: [queries], each at least 1.
        k: the length of the list.

    Returns:
        float64 [queries]; the mean is Recall@k.

    Raises:
        ValueError: a query has no relevant item, or the lists are shorter than k.
    """
    check_lists(hits, num_relevant, k)
    recall: npt.NDArray[np.float64] = hits[:, :k].sum(axis=1) / num_relevant
    return recall


def list_ndcg(hits: npt.NDArray[np.bool_], num_relevant: npt.NDArray[np.integer], k: int) -> npt.NDArray[np.float64]:
    """The discounted cumulative gain of the first k places over that of an ideal list.

    A hit in place p (from 1) gains 1 / log2(1 + p); the ideal list starts with min(k, relevant) hits (Järvelin &
    Kekäläinen, TOIS 2002, with binary gains).

    Args:
        hits: [queries, at least k], as `relevance` gives them.
        num_relevant: [queries], each at least 1.
        k: the length of the list.

    Returns:
        float64 [queries]; the mean is NDCG@k.

    Raises:
        ValueError: a query has no relevant item, or the lists are shorter than k.
    """
    check_lists(hits, num_relevant, k)
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discounts)[np.minimum(num_relevant, k) - 1]
    normalised: npt.NDArray[np.float64] = hits[:, :k] @ discounts / ideal
    return normalised


def catalogue_coverage(recommended: npt.NDArray[np.integer], num_items: int) -> float:
    """The share of the catalogue that is in at least one list: 0 to 1.

    Args:
        recommended: [queries, k] item rows, `NO_ITEM` where a list has ended.
        num_items: the size of the catalogue, at least 1.
    """
    return len(np.unique(recommended[recommended != NO_ITEM])) / num_items


def check_lists(hits: npt.NDArray[np.bool_], num_relevant: npt.NDArray[np.integer] | None, k: int) -> None:
    """Refuse what has no metric.

    Raises:
        ValueError: the lists are shorter than k, or a query has no relevant item.
    """
    if not 1 <= k <= hits.shape[1]:
        raise ValueError(f"k is {k}, but the lists have {hits.shape[1]} places")
    if num_relevant is not None and (num_relevant < 1).any():
        raise ValueError("a query without relevant items has neither recall nor NDCG: leave it out")
