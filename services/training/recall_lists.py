"""Lists of candidates, as recall would hand them to the ranker, and where the target stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.metrics import ndcg
from services.training.metrics.lists import NO_ITEM

Lists = npt.NDArray[np.int64]
"""int64 [queries, places] item rows, best first, each at most once; `NO_ITEM` where a list has ended."""


@dataclass(frozen=True, slots=True, eq=False)
class ListedQueries:
    """Queries with recall's candidates.

    Attributes:
        users: int64 [queries].
        history: int64 [queries, length], padded on the left with -1.
        lists: int64 [queries, places], recall's candidates; see `Lists`.
        targets: int64 [queries], what followed.
    """

    users: npt.NDArray[np.int64]
    history: npt.NDArray[np.int64]
    lists: Lists
    targets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.users)


def merge_channels(channels: Sequence[Lists], quotas: Sequence[float], size: int) -> Lists:
    """Interleaves the channels' lists so that each has its quota of every prefix, as the recall service does.

    The item in place r (from 0) of a channel with quota q comes at the time (r + 1) / q, and one that several channels
    found at the earliest of its times. Ties go to the larger quota, then to the lower row.

    Args:
        channels: One list per channel for the same queries.
        quotas: Of each channel, above 0; only their ratios matter.
        size: Places in the merged lists.

    Returns:
        int64 [queries, size].
    """
    widths = [lists.shape[1] for lists in channels]
    quota = np.repeat(np.asarray(quotas, dtype=np.float64), widths)
    times = np.concatenate([np.arange(1, width + 1) for width in widths]) / quota
    merged = np.full((len(channels[0]), size), NO_ITEM, dtype=np.int64)
    for row, items in zip(merged, np.concatenate(channels, axis=1), strict=True):
        ordered = items[np.lexsort((items, -quota, times))]
        _, first = np.unique(ordered, return_index=True)
        distinct = ordered[np.sort(first)]
        distinct = distinct[distinct != NO_ITEM][:size]
        row[: len(distinct)] = distinct
    return merged


def rank_in_lists(lists: Lists, targets: npt.NDArray[np.integer], missed: int) -> npt.NDArray[np.int64]:
    """Returns the place of each query's target in its list, from 1, or `missed` where it is not there: int64 [queries]."""
    hits = lists == targets[:, None]
    return np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, missed).astype(np.int64)


def order_lists(lists: Lists, scores: npt.NDArray[np.floating]) -> Lists:
    """Returns the lists ordered by falling score [queries, places]; what is `NO_ITEM` comes last."""
    usable = np.where(lists == NO_ITEM, -np.inf, scores)
    return np.take_along_axis(lists, np.argsort(-usable, axis=1, kind="stable"), axis=1)


def ndcg_of_scores(scores: npt.NDArray[np.floating], queries: ListedQueries) -> float:
    """Returns NDCG@10 of the queries' lists in the order of the scores [queries, places]."""
    ordered = order_lists(queries.lists, scores)
    # What recall did not list is beyond every place that NDCG@10 looks at.
    ranks = rank_in_lists(ordered, queries.targets, missed=ordered.shape[1] + 1)
    return float(ndcg(ranks, min(10, ordered.shape[1])).mean())
