"""Exact search: all items are scored roughly, in blocks, and those that may be among the best exactly."""

import threading
from typing import Self

import numpy as np

from services.recall.best_items import BestItems
from services.recall.channel import NO_ROWS, Floats, Found, Rows
from services.recall.crew import ALONE, Crew
from services.recall.float_scores import FloatScores
from services.recall.integer_scores import IntegerScores
from services.recall.rough_scores import RoughScores, Scores
from services.recall.search_cost import SearchCosts
from shared.tensors import Ragged

#: Vectors that are gathered at once to compute exact scores.
GATHERED_VECTORS = 1 << 14


#: What rounding to small integers may take from a vector, beside the length of most vectors. With 64 dimensions it takes
#: some hundredths of a vector; with more, too many items would have to be looked at exactly.
COARSEST = 0.05


class Scan:
    """Scores every item. Safe to call from several threads.

    Rough scores only choose which items to look at: what they are off by depends on the shape of the batch and the place
    of the item, so scores are computed anew for the chosen, one vector at a time. An item is left out only when even the
    largest error could not bring it into the answer. So answers are the same in any company, and items with the same
    vector have the same score.

    Args:
        vectors: float32 [items, dimension].
        rough: Rough scores of the same items.
        divisors: float32 [items], what to divide an item's inner product by; items where it is 0 are never found.
    """

    def __init__(self, vectors: Floats, rough: RoughScores, divisors: Floats | None = None) -> None:
        self._vectors = vectors
        self._rough = rough
        self._divisors = divisors

    @classmethod
    def by_product(cls, vectors: Floats, lengths: Floats) -> Self:
        """Returns the search for the largest inner products.

        Small integers choose what to look at, unless a few items are so much longer than most that rounding to one step
        would make most look the same.

        Args:
            vectors: float32 [items, dimension].
            lengths: float32 [items], theirs.
        """
        longest = float(lengths.max(initial=0.0))
        if 0.0 < longest < np.finfo(np.float32).max:
            integers = IntegerScores(vectors, longest)
            if integers.residual <= COARSEST * float(np.quantile(lengths, 0.75)):
                return cls(vectors, integers)
        return cls(vectors, FloatScores(vectors, longest))

    @classmethod
    def by_cosine(cls, vectors: Floats, lengths: Floats) -> Self:
        """Returns the search for the highest cosines with queries of length 1; arguments as those of `by_product`."""
        return cls(vectors, FloatScores(vectors, 1.0, lengths), lengths)

    @property
    def costs(self) -> SearchCosts:
        """What it costs."""
        return self._rough.costs

    def search(
        self,
        queries: Floats,
        excluded: Ragged,
        limit: int,
        crew: Crew = ALONE,
        *,
        helpers: int = 0,
        hidden: Rows = NO_ROWS,
    ) -> list[Found]:
        """Returns the `limit` best items of each query, ties by row.

        Args:
            queries: float32 [queries, dimension], such that no score overflows.
            excluded: Rows that must not be found, a list for each query.
            limit: How many to return at most, at least 1.
            crew: Who may help.
            helpers: With how many threads.
            hidden: Rising rows that must not be found by any query.
        """
        together = self._rough.queries_together
        found: list[Found] = []
        for start in range(0, len(queries), together):
            end = min(start + together, len(queries))
            bounds = excluded.offsets[start : end + 1]
            some = Ragged(excluded.values[bounds[0] : bounds[-1]], bounds - bounds[0])
            exclusions = _Exclusions(some, hidden)
            found += self._search(np.ascontiguousarray(queries[start:end]), exclusions, limit, crew, helpers)
        return found

    def _search(self, queries: Floats, exclusions: "_Exclusions", limit: int, crew: Crew, helpers: int) -> list[Found]:
        items, size = len(self._vectors), self._rough.block_items(len(queries))
        rough = self._rough.of(queries)
        leader = BestItems(queries, limit, rough.scale, self.exact_scores)
        parts = {threading.get_ident(): leader}

        def look_at(block: int) -> None:
            # A thread that helps begins with what the caller has learnt, and keeps its own list.
            best = _part(parts, leader)
            scores = rough.scores(block)
            exclusions.apply(scores, block * size, rough.scale.lowest)
            best.look_at(scores, block * size)

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


class _Exclusions:
    """Which scores do not count, found quickly for a block."""

    def __init__(self, excluded: Ragged, hidden: Rows) -> None:
        order = np.argsort(excluded.values)
        self._rows = excluded.values[order].astype(np.int64)
        self._owners = excluded.owners[order]
        self._hidden = hidden

    def apply(self, scores: Scores, start: int, lowest: float) -> None:
        """Gives the excluded items of a block that begins at row `start` a score below all others."""
        bounds = (start, start + scores.shape[1])
        low, high = np.searchsorted(self._rows, bounds)
        scores[self._owners[low:high], self._rows[low:high] - start] = lowest
        if len(self._hidden):
            low, high = np.searchsorted(self._hidden, bounds)
            scores[:, self._hidden[low:high] - start] = lowest


def _part(parts: dict[int, BestItems], leader: BestItems) -> BestItems:
    """Returns this thread's list."""
    own = threading.get_ident()
    if own not in parts:
        parts[own] = leader.successor()
    return parts[own]
