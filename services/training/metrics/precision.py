"""More metrics for recommended lists with any number of relevant items: precision and what is made of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.training.metrics.lists import check_lists

Hits = npt.NDArray[np.bool_]
PerQuery = npt.NDArray[np.float64]


def list_hit_rate(hits: Hits, k: int) -> PerQuery:
    """1 where any of the first k places holds a relevant item, else 0.

    Args:
        hits: [queries, at least k], as `relevance` gives them.
        k: the length of the list.

    Returns:
        float64 [queries]; the mean is HR@k.

    Raises:
        ValueError: the lists are shorter than k.
    """
    check_lists(hits, None, k)
    return np.asarray(hits[:, :k].any(axis=1), dtype=np.float64)


def list_precision(hits: Hits, k: int) -> PerQuery:
    """The share of the first k places that hold a relevant item; a place that a list has left empty holds none.

    Args:
        hits: [queries, at least k], as `relevance` gives them.
        k: the length of the list.

    Returns:
        float64 [queries]; the mean is Precision@k.

    Raises:
        ValueError: the lists are shorter than k.
    """
    check_lists(hits, None, k)
    precision: PerQuery = hits[:, :k].mean(axis=1)
    return precision


def list_f1(hits: Hits, num_relevant: npt.NDArray[np.integer], k: int) -> PerQuery:
    """The harmonic mean of precision and recall of the first k places: 2 hits / (k + relevant).

    Args:
        hits: [queries, at least k], as `relevance` gives them.
        num_relevant: [queries], each at least 1.
        k: the length of the list.

    Returns:
        float64 [queries]; the mean is F1@k.

    Raises:
        ValueError: a query has no relevant item, or the lists are shorter than k.
    """
    check_lists(hits, num_relevant, k)
    f1: PerQuery = 2.0 * hits[:, :k].sum(axis=1) / (k + num_relevant)
    return f1


def average_precision(hits: Hits, num_relevant: npt.NDArray[np.integer], k: int) -> PerQuery:
    """The mean precision at the places of the relevant items, 0 for those that the first k places lack.

    The divisor is min(k, relevant), so that an ideal list has 1.

    Args:
        hits: [queries, at least k], as `relevance` gives them.
        num_relevant: [queries], each at least 1.
        k: the length of the list.

    Returns:
        float64 [queries]; the mean is MAP@k.

    Raises:
        ValueError: a query has no relevant item, or the lists are shorter than k.
    """
    check_lists(hits, num_relevant, k)
    first = hits[:, :k]
    precisions = np.cumsum(first, axis=1) / np.arange(1, k + 1)
    average: PerQuery = (precisions * first).sum(axis=1) / np.minimum(num_relevant, k)
    return average


def list_reciprocal_rank(hits: Hits, k: int) -> PerQuery:
    """1 / place of the first relevant item where there is one among the first k, else 0.

    Args:
        hits: [queries, at least k], as `relevance` gives them.
        k: the length of the list.

    Returns:
        float64 [queries]; the mean is MRR@k.

    Raises:
        ValueError: the lists are shorter than k.
    """
    check_lists(hits, None, k)
    first = hits[:, :k]
    return np.where(first.any(axis=1), 1.0 / (1 + first.argmax(axis=1)), 0.0)
