"""Exact search: the scores of all items by matrix product, in blocks, and the best of them."""

import threading

import numpy as np
from numpy.typing import NDArray

from services.recall.best_items import BestItems
from services.recall.channel import Floats, Found, Rows
from services.recall.crew import ALONE, Crew
from shared.tensors import Ragged

#: Scores that a thread holds at once: 4 MiB, reused, so that a batch over a million items needs no more than one over
#: a hundred thousand, and most stay in the processor's cache until they have been looked at.
BLOCK_SCORES = 1 << 20

#: Items of a block at most; more would leave too few blocks to share.
BLOCK_ITEMS = 1 << 17

#: Queries that are scored together at most: a matrix product gains little from more, and blocks get short.
QUERIES_TOGETHER = 64

#: Vectors that are gathered at once to compute exact scores.
GATHERED_VECTORS = 1 << 14

_scratch = threading.local()


class Scan:
    """Scores every item. Safe to call from several threads.

    The matrix product only chooses which items to look at: what it rounds depends on the shape of the batch and the
    place of the item, so scores are computed anew for the chosen, one vector at a time. An item is left out only when
    even the largest rounding error could not bring it into the answer. So answers are the same in any company, and
    items with the same vector have the same score.

    Args:
        vectors: float32 [items, dimension].
        divisors: float32 [items], what to divide an item's inner product by; items where it is 0 are never found.
        longest: The length of the longest vector after that division.
    """

    def __init__(self, vectors: Floats, longest: float, divisors: Floats | None = None) -> None:
        self._vectors = vectors
        self._longest = longest
        self._divisors = divisors
        self._barred = np.empty(0, dtype=np.int64) if divisors is None else np.flatnonzero(divisors == 0.0)
        self._factors = None if divisors is None else np.divide(1.0, divisors, where=divisors > 0.0, out=divisors * 0)

    def search(
        self, queries: Floats, excluded: Ragged, limit: int, crew: Crew = ALONE, helpers: int = 0
    ) -> list[Found]:
        """Returns the `limit` best items of each query, ties by row.

        Args:
            queries: float32 [queries, dimension], such that no score overflows.
            excluded: Rows that must not be found, a list for each query.
            limit: How many to return at most, at least 1.
            crew: Who may help.
            helpers: With how many threads.
        """
        found: list[Found] = []
        for start in range(0, len(queries), QUERIES_TOGETHER):
            end = min(start + QUERIES_TOGETHER, len(queries))
            bounds = excluded.offsets[start : end + 1]
            some = Ragged(excluded.values[bounds[0] : bounds[-1]], bounds - bounds[0])
            found += self._search(np.ascontiguousarray(queries[start:end]), some, limit, crew, helpers)
        return found

    def _search(self, queries: Floats, excluded: Ragged, limit: int, crew: Crew, helpers: int) -> list[Found]:
        items = len(self._vectors)
        size = min(BLOCK_ITEMS, BLOCK_SCORES // len(queries))
        exclusions = _Exclusions(excluded)
        # The order by rough scores differs from the exact one by as much as both of two items are off.
        leader = BestItems(queries, limit, 2.0 * self._rounding(queries), self.exact_scores)
        parts = {threading.get_ident(): leader}

        def look_at(block: int) -> None:
            # A thread that helps begins with what the caller has learnt, and keeps its own list.
            best = _part(parts, leader)
            start, end = block * size, min((block + 1) * size, items)
            scores = self._rough_scores(queries, start, end)
            exclusions.apply(scores, start)
            best.look_at(scores, start)

        if items:
            look_at(0)  # before help comes: it tells what is too little to be looked at
        crew.each(-(-items // size) - 1, lambda piece: look_at(piece + 1), helpers)
        for part in parts.values():
            leader.take_over(part)
        return leader.found()

    def best_of(self, query: Floats, rows: Rows, limit: int) -> Found:
        """Returns the `limit` best among some items (int64 [rows], no row twice), not certain that no other is better."""
        if self._divisors is not None:
            rows = rows[self._divisors[rows] > 0.0]
        return Found.best(rows, self.exact_scores(query, rows), limit, exact=False)

    def exact_scores(self, query: Floats, rows: Rows) -> Floats:
        """Returns the scores of some items, each computed by itself: float32 [rows]."""
        scores = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), GATHERED_VECTORS):
            some = slice(start, start + GATHERED_VECTORS)
            np.vecdot(self._vectors.take(rows[some], axis=0), query, out=scores[some])
        return scores if self._divisors is None else scores / self._divisors[rows]

    def _rounding(self, queries: Floats) -> NDArray[np.float64]:
        """Returns by how much the two ways of computing a score may differ for each query, float64 [queries].

        Each is off by at most dimension * 2**-24 times the product of the lengths, in whatever order it sums up.
        """
        lengths = np.linalg.norm(queries.astype(np.float64), axis=1)
        return np.asarray(2.0 * (queries.shape[1] + 4) * 2.0**-24 * self._longest * lengths)

    def _rough_scores(self, queries: Floats, start: int, end: int) -> Floats:
        """Returns scores of a block, float32 [queries, end - start], in this thread's scratch memory."""
        if not hasattr(_scratch, "scores"):
            _scratch.scores = np.empty(BLOCK_SCORES, dtype=np.float32)
        width = end - start
        scores: Floats = _scratch.scores[: len(queries) * width].reshape(len(queries), width)
        np.matmul(queries, self._vectors[start:end].T, out=scores)
        if self._factors is not None:
            scores *= self._factors[start:end]
            low, high = np.searchsorted(self._barred, (start, end))
            scores[:, self._barred[low:high] - start] = -np.inf
        return scores


class _Exclusions:
    """Which scores do not count, found quickly for a block."""

    def __init__(self, excluded: Ragged) -> None:
        order = np.argsort(excluded.values)
        self._rows = excluded.values[order].astype(np.int64)
        self._owners = excluded.owners[order]

    def apply(self, scores: Floats, start: int) -> None:
        """Puts the excluded items of a block that begins at row `start` behind all others."""
        low, high = np.searchsorted(self._rows, (start, start + scores.shape[1]))
        scores[self._owners[low:high], self._rows[low:high] - start] = -np.inf


def _part(parts: dict[int, BestItems], leader: BestItems) -> BestItems:
    """Returns this thread's list."""
    own = threading.get_ident()
    if own not in parts:
        parts[own] = leader.successor()
    return parts[own]
