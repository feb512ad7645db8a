"""Metrics for one relevant item a query, from the rank that a model gives it in the full catalogue.

The full catalogue rather than sampled negatives: sampled metrics can order models differently from exact ones
(Krichene & Rendle, "On Sampled Metrics for Item Recommendation", KDD 2020).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def rank_of_target(
    scores: npt.NDArray[np.floating],
    targets: npt.NDArray[np.integer],
    masked: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.int64]:
    """The rank of each query's target among the items that may be recommended to it; 1 is best.

    Ties are broken against the target: every other item with the same score stands before it, so that a constant
    model gains nothing. A score that is not a number loses to every number, and a target with such a score is last.

    Args:
        scores: [queries, items], higher is better.
        targets: [queries] item rows.
        masked: [queries, items], True where an item may not be recommended, as `history_mask` makes it. A target is
            ranked even where its own entry is masked, for people do come back to what they know.

    Returns:
        int64 [queries], from 1 to the number of items.
    """
    rows = np.arange(len(targets))
    # "Not below" instead of "at least": it is true for scores that are not numbers as well, on either side.
    target_scores = scores[rows, targets][:, None]
    not_below = ~(scores < target_scores)
    not_below &= ~(np.isnan(scores) & ~np.isnan(target_scores))
    if masked is not None:
        not_below &= ~masked
    not_below[rows, targets] = True
    ranks: npt.NDArray[np.int64] = not_below.sum(axis=1, dtype=np.int64)
    return ranks


def history_mask(histories: Sequence[npt.NDArray[np.integer]], num_items: int) -> npt.NDArray[np.bool_]:
    """Mark the items of each query's history.

    Args:
        histories: one array of item rows for each query; may be empty.
        num_items: the size of the catalogue.

    Returns:
        bool [queries, num_items], True where the item is in the history.
    """
    masked = np.zeros((len(histories), num_items), dtype=np.bool_)
    queries = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    if len(queries):
        masked[queries, np.concatenate(histories)] = True
    return masked


def hit_rate(ranks: npt.NDArray[np.integer], k: int) -> npt.NDArray[np.float64]:
    """1 where the target is among the first k, else 0.

    Args:
        ranks: [queries], from 1, as `rank_of_target` gives them.
        k: the length of the list, at least 1.

    Returns:
        float64 [queries]; the mean is HR@k.
    """
    return (ranks <= k).astype(np.float64)


def ndcg(ranks: npt.NDArray[np.integer], k: int) -> npt.NDArray[np.float64]:
    """1 / log2(1 + rank) where the target is among the first k, else 0.

    This is the normalised discounted cumulative gain (Järvelin & Kekäläinen, TOIS 2002) with one relevant item,
    whose ideal is 1.

    Args:
        ranks: [queries], from 1, as `rank_of_target` gives them.
        k: the length of the list, at least 1.

    Returns:
        float64 [queries]; the mean is NDCG@k.
    """
    return np.where(ranks <= k, 1.0 / np.log2(1.0 + ranks), 0.0)


def reciprocal_rank(ranks: npt.NDArray[np.integer], k: int) -> npt.NDArray[np.float64]:
    """1 / rank where the target is among the first k, else 0.

    Args:
        ranks: [queries], from 1, as `rank_of_target` gives them.
        k: the length of the list, at least 1.

    Returns:
        float64 [queries]; the mean is MRR@k.
    """
    return np.where(ranks <= k, 1.0 / ranks, 0.0)
