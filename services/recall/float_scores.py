"""Rough scores as float32 matrix products: right but for rounding."""

import numpy as np

from services.recall.blocks import Blocks
from services.recall.channel import Floats
from services.recall.rough_scores import Scale, rounding
from services.recall.scratch import scratch
from services.recall.search_cost import FLOAT_COSTS

#: Scores that a thread holds at once: 4 MiB, reused, so that a batch over a million items needs no more than one over
#: a hundred thousand, and most stay in the processor's cache until they have been looked at.
BLOCK_SCORES = 1 << 20

#: Items of a block at most; more would leave too few blocks to share.
BLOCK_ITEMS = 1 << 17


class FloatScores:
    """Rough scores by NumPy's matrix product; what it rounds depends on the batch and on the place of the item.

    Args:
        vectors: float32 [items, dimension].
        longest: The length of the longest vector, after the division.
        divisors: float32 [items], what to divide an item's inner product by; where it is 0 the item is excluded.
    """

    costs = FLOAT_COSTS

    #: A matrix product gains little from more, and blocks get short.
    queries_together = 64

    def __init__(self, vectors: Floats, longest: float, divisors: Floats | None = None) -> None:
        self.vectors = vectors
        self.longest = longest
        self.barred = np.empty(0, dtype=np.int64) if divisors is None else np.flatnonzero(divisors == 0.0)
        self.factors = None if divisors is None else np.divide(1.0, divisors, where=divisors > 0.0, out=divisors * 0)

    def of(self, queries: Floats) -> "_FloatQueries":
        """Returns queries to score."""
        return _FloatQueries(self, queries)


class _FloatQueries:
    def __init__(self, items: FloatScores, queries: Floats) -> None:
        self._items = items
        self._queries = queries
        size = max(1, min(BLOCK_ITEMS, BLOCK_SCORES // len(queries)))
        # Not dealt out: reading every n-th vector of a mapped file takes longer than reading them in a row.
        self.blocks = Blocks.cut(len(items.vectors), size)
        self.scale = Scale(np.ones(len(queries)), rounding(queries, items.longest), -np.inf)

    def scores(self, block: int) -> Floats:
        """Returns a block's scores in this thread's scratch memory."""
        own = self.blocks.slice_of(block)
        scores: Floats = scratch(len(self._queries), own.stop - own.start, np.float32)
        np.matmul(self._queries, self._items.vectors[own].T, out=scores)
        if self._items.factors is not None:
            scores *= self._items.factors[own]
            low, high = np.searchsorted(self._items.barred, (own.start, own.stop))
            scores[:, self._items.barred[low:high] - own.start] = -np.inf
        return scores
