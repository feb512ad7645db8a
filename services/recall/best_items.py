"""The best items of each query of a batch, kept while blocks of rough scores go by."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import Floats, Found, Rows
from services.recall.order import first, pack, unpack

#: No score is lower, and what is excluded is below it.
_LOWEST = np.finfo(np.float32).min


class BestItems:
    """The best items so far of each query of a batch.

    Args:
        queries: float32 [queries, dimension], at most 256.
        limit: How many of each to keep, at least 1.
        margins: float64 [queries]. An item whose rough score is behind another exact score by more than this is behind
            that item.
        exact_scores: Returns the exact scores, float32 [rows], of a query and rows.
    """

    def __init__(
        self, queries: Floats, limit: int, margins: NDArray[np.float64], exact_scores: Callable[[Floats, Rows], Floats]
    ) -> None:
        self._queries = queries
        self._limit = limit
        self._margins = margins
        self._exact_scores = exact_scores
        self._thresholds = np.full(len(queries), _LOWEST, dtype=np.float32)
        self._kept = [np.empty(0, dtype=np.uint64)] * len(queries)
        self._pending: list[tuple[NDArray[np.int64], Rows]] = []
        self._waiting = 0

    def successor(self) -> "BestItems":
        """Returns an empty list of its own that already knows what is too little."""
        other = BestItems(self._queries, self._limit, self._margins, self._exact_scores)
        other._thresholds = self._thresholds.copy()
        return other

    def look_at(self, scores: Floats, start: int) -> None:
        """Notes the items of a block that may be among the best.

        Args:
            scores: float32 [queries, width], rough; -infinity for what is excluded.
            start: The row of the block's first item.
        """
        width = scores.shape[1]
        unknown = np.flatnonzero(self._thresholds == _LOWEST)
        if len(unknown) and width > self._limit:
            some = scores if len(unknown) == len(scores) else scores[unknown]
            last = np.partition(some, width - self._limit, axis=1)[:, width - self._limit]
            self._thresholds[unknown] = np.maximum(last - self._margins[unknown], _LOWEST)
        hits = np.flatnonzero(scores >= self._thresholds[:, None])
        owners, columns = np.divmod(hits, width)
        self._pending.append((owners, columns + start))
        self._waiting += len(hits)
        if self._waiting >= len(self._queries) * self._limit:
            self._settle()

    def take_over(self, other: "BestItems") -> None:
        """Adds what another thread found."""
        other._settle()
        if other is not self:
            self._kept = [
                first(np.concatenate(both), self._limit) for both in zip(self._kept, other._kept, strict=True)
            ]

    def found(self) -> list[Found]:
        """Returns the best of each query in order."""
        self._settle()
        return [Found(*unpack(keys)) for keys in self._kept]

    def _settle(self) -> None:
        """Computes exact scores of what was noted, and raises the thresholds to what is now known."""
        if not self._waiting:
            return
        owners = np.concatenate([one for one, _ in self._pending]).astype(np.uint8)
        rows = np.concatenate([one for _, one in self._pending])
        self._pending, self._waiting = [], 0
        rows = rows[np.argsort(owners, kind="stable")]
        bounds = np.cumsum(np.bincount(owners, minlength=len(self._queries)))
        full, worst = [], []
        for query, own in enumerate(np.split(rows, bounds[:-1])):
            if len(own):
                keys = pack(self._exact_scores(self._queries[query], own), own)
                kept = self._kept[query] = first(np.concatenate((self._kept[query], keys)), self._limit)
                if len(kept) == self._limit:
                    full.append(query)
                    worst.append(kept[-1])
        if full:
            _, scores = unpack(np.array(worst, dtype=np.uint64))
            self._thresholds[full] = np.maximum(self._thresholds[full], scores - self._margins[full])
