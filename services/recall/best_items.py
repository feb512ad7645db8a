"""The best items of each query of a batch, kept while blocks of rough scores go by."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import Floats, Found, Rows
from services.recall.order import first, pack, unpack
from services.recall.reached import reached_by
from services.recall.rough_scores import Scale, Scores

#: For how many times as many items as are wanted exact scores are computed at once, where most of these will be wanted.
_SETTLED_LATE = 4


class BestItems:
    """The best items so far of each query of a batch.

    Args:
        queries: float32 [queries, dimension], at most 256.
        limit: How many of each to keep, at least 1.
        rank: Which place in the first block to take for one behind the first `limit` places of all items. Where that is
            less than `limit` it is believed to be, and to have the exact score that its rough score is near; either may
            turn out wrong: see `unsure`.
        scale: How the rough scores relate to exact ones.
        exact_scores: Returns the exact scores, float32 [rows], of a query and rows.
    """

    def __init__(
        self,
        queries: Floats,
        limit: int,
        rank: int,
        scale: Scale,
        exact_scores: Callable[[Floats, Rows], Floats],
    ) -> None:
        self._queries = queries
        self._limit = limit
        self._rank = rank
        self._scale = scale
        self._exact_scores = exact_scores
        # Exact scores below these are too little: `limit` items are known, or believed, to have as much.
        self._least = np.full(len(queries), -np.inf)
        self._kept = [np.empty(0, dtype=np.uint64)] * len(queries)
        self._pending: list[tuple[NDArray[np.int64], Rows]] = []
        self._waiting = 0
        # What was found tells what is too little, but hardly more than what was believed from the start.
        self._most_waiting = len(queries) * limit * (_SETTLED_LATE if rank < limit else 1)

    def successor(self) -> "BestItems":
        """Returns an empty list of its own that already knows what is too little."""
        other = BestItems(self._queries, self._limit, self._rank, self._scale, self._exact_scores)
        other._least = self._least.copy()
        return other

    def look_at(self, scores: Scores, rows_of: Callable[[NDArray[np.int64]], Rows]) -> None:
        """Notes the items of a block that may be among the best.

        Args:
            scores: [queries, width], rough; the scale's lowest for what is excluded.
            rows_of: Returns the rows of items by their places in the block.
        """
        width = scores.shape[1]
        unknown = np.flatnonzero(np.isneginf(self._least))
        if len(unknown) and width > self._rank:
            some = scores if len(unknown) == len(scores) else scores[unknown]
            last = reached_by(some, self._rank)
            enough = self._scale.about if self._rank < self._limit else self._scale.at_least
            self._least[unknown] = enough(last, unknown)
        hits = np.flatnonzero(scores >= self._scale.least(self._least, scores.dtype)[:, None])
        owners, columns = np.divmod(hits, width)
        self._pending.append((owners, rows_of(columns)))
        self._waiting += len(hits)
        if self._waiting >= self._most_waiting:
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

    def unsure(self) -> NDArray[np.int64]:
        """Returns the queries, int64, whose best may not all be here, because too much was believed to be too little."""
        self._settle()
        return np.flatnonzero(self._worst() < self._least)

    def _worst(self) -> NDArray[np.float64]:
        """Returns the exact score of each query's last item that is kept; -infinity where fewer than `limit` are."""
        worst = np.full(len(self._queries), -np.inf)
        full = [query for query, kept in enumerate(self._kept) if len(kept) == self._limit]
        _, worst[full] = unpack(np.array([self._kept[query][-1] for query in full], dtype=np.uint64))
        return worst

    def _settle(self) -> None:
        """Computes exact scores of what was noted, and raises what is too little."""
        if not self._waiting:
            return
        owners = np.concatenate([one for one, _ in self._pending]).astype(np.uint8)
        rows = np.concatenate([one for _, one in self._pending])
        self._pending, self._waiting = [], 0
        rows = rows[np.argsort(owners, kind="stable")]
        bounds = np.cumsum(np.bincount(owners, minlength=len(self._queries)))
        for query, own in enumerate(np.split(rows, bounds[:-1])):
            if len(own):
                keys = pack(self._exact_scores(self._queries[query], own), own)
                self._kept[query] = first(np.concatenate((self._kept[query], keys)), self._limit)
        self._least = np.maximum(self._least, self._worst())
