"""Where the target of each query comes to stand in the merged list, for many choices of quotas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from services.training.metrics.lists import NO_ITEM
from services.training.recall_lists import Lists

_NEVER = np.float32(np.inf)


class MergedPlaces:
    """Every item that any channel found for a query, with its place in each channel's list.

    `recall_lists.merge_channels` sorts; this only counts who comes before the target, which takes a hundredth of the time.

    Args:
        ranks: float32 [queries, items found, channels], the item's place in the channel's list from 1, infinite where it is not
            there; nothing but infinite places fills the rows.
        targets: int64 [queries], which of the items found is the target, or -1 where no channel found it.
    """

    def __init__(self, ranks: npt.NDArray[np.float32], targets: npt.NDArray[np.int64]) -> None:
        self._queries = len(targets)
        self._found = np.flatnonzero(targets >= 0)  # of the others nobody's place depends on the quotas
        self._ranks = ranks[self._found]
        self._targets = targets[self._found]

    @classmethod
    def of(cls, lists: Sequence[Lists], targets: npt.NDArray[np.int64]) -> Self:
        """Collects what the channels found.

        Args:
            lists: One list of each query per channel.
            targets: int64 [queries] item rows.
        """
        channels = np.repeat(np.arange(len(lists)), [one.shape[1] for one in lists])
        places = np.concatenate([np.arange(1, one.shape[1] + 1) for one in lists])
        items = np.concatenate(lists, axis=1)
        order = np.argsort(items, axis=1, kind="stable")
        ordered = np.take_along_axis(items, order, axis=1)
        # Equal items lie side by side now: they get one column.
        column = np.cumsum(np.diff(ordered, axis=1, prepend=ordered[:, :1]) != 0, axis=1)
        row = np.broadcast_to(np.arange(len(items))[:, None], items.shape)
        ranks = np.full((len(items), int(column.max(initial=-1)) + 1, len(lists)), _NEVER, dtype=np.float32)
        there = ordered != NO_ITEM
        ranks[row[there], column[there], channels[order][there]] = places[order][there]
        hit = ordered == targets[:, None]
        first = np.take_along_axis(column, hit.argmax(axis=1)[:, None], axis=1)[:, 0]
        return cls(ranks, np.where(hit.any(axis=1), first, -1))

    def places(self, quotas: Sequence[float]) -> npt.NDArray[np.float64]:
        """Returns the place of each query's target in the merged list, from 1: float64 [queries].

        Infinite where no channel found it. Ties, which the merge breaks by quota and row, count for the target.

        Args:
            quotas: Of each channel, only their ratios matter; one of 0 is not merged.
        """
        places = np.full(self._queries, np.inf)
        merged = np.flatnonzero(np.asarray(quotas) > 0)
        if not len(self._found) or not len(merged):
            return places
        times = np.full(self._ranks.shape[:2], _NEVER, dtype=np.float32)
        for channel in merged.tolist():
            np.minimum(times, self._ranks[:, :, channel] / np.float32(quotas[channel]), out=times)
        own = np.take_along_axis(times, self._targets[:, None], axis=1)
        places[self._found] = np.where(np.isfinite(own[:, 0]), (times < own).sum(axis=1) + 1, np.inf)
        return places
