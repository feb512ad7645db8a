"""The best items of each query of a batch, kept while blocks of rough scores go by."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import Floats, Found, Rows
from services.recall.order import first, pack, unpack
from services.recall.rough_scores import Scale, Scores


class BestItems:
    """The best items so far of each query of a batch.

    Args:
        queries: float32 [queries, dimension], at most 256.
        limit: How many of each to keep, at least 1.
        scale: How the rough scores relate to exact ones.
        exact_scores: Returns the exact scores, float32 [rows], of a query and rows.
    """

    def __init__(
        self, queries: Floats, limit: int, scale: Scale, exact_scores: Callable[[Floats, Rows], Floats]
    ) -> None:
        self._queries = queries
        self._limit = limit
        self._scale = scale
        self._exact_scores = exact_scores
        # That many items are known to have at least these exact scores.
        self._known = np.full(len(queries), -np.inf)
        self._kept = [np.empty(0, dtype=np.uint64)] * len(queries)
        self._pending: list[tuple[NDArray[np.int64], Rows]] = []
        self._waiting = 0

    def successor(self) -> "BestItems":
        """Returns an empty list of its own that already knows what is too little."""
        other = BestItems(self._queries, self._limit, self._scale, self._exact_scores)
        other._known = self._known.copy()
        return other

    def look_at(self, scores: Scores, start: int) -> None:
        """Notes the items of a block that may be among the best.

        Args:
            scores: [queries, width], rough; the scale's lowest for what is excluded.
            start: The row of the block's first item.
        """
        width = scores.shape[1]
        unknown = np.flatnonzero(np.isneginf(self._known))
        if len(unknown) and width > self._limit:
            some = scores if len(unknown) == len(scores) else scores[unknown]
            last = np.partition(some, width - self._limit, axis=1)[:, width - self._limit]
            self._known[unknown] = self._scale.at_least(last, unknown)
        hits = np.flatnonzero(scores >= self._scale.least(self._known, scores.dtype)[:, None])
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
        """Computes exact scores of what was noted, and raises what is known."""
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
            self._known[full] = np.maximum(self._known[full], scores)
