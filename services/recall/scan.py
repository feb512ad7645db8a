"""Exact search: all items are scored roughly, in blocks, and those that may be among the best exactly."""

import threading
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from services.recall.best_items import BestItems
from services.recall.blocks import Blocks
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
    vector have the same score. Which scores are enough is first read off a block that stands for all; where that was too
    much to ask for a query, the query is searched again.

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
            batch = _Batch(np.ascontiguousarray(queries[start:end]), some, hidden, limit)
            best = self._best(batch, crew, helpers)
            own = best.found()
            if len(unsure := best.unsure()):
                sure = self._best(batch.take(unsure), crew, helpers, sure=True).found()
                for query, one in zip(unsure.tolist(), sure, strict=True):
                    own[query] = one
            found += own
        return found

    def _best(self, batch: "_Batch", crew: Crew, helpers: int, *, sure: bool = False) -> BestItems:
        """Looks at all items. Unless it is to be sure, it believes that the first block is as good as the others."""
        rough = self._rough.of(batch.queries)
        blocks = rough.blocks
        exclusions = _Exclusions(batch, blocks)
        rank = batch.limit if sure else blocks.rank(batch.limit)
        leader = BestItems(batch.queries, batch.limit, rank, rough.scale, self.exact_scores)
        parts = {threading.get_ident(): leader}

        def look_at(block: int) -> None:
            # A thread that helps begins with what the caller has learnt, and keeps its own list.
            best = _part(parts, leader)
            scores = rough.scores(block)
            exclusions.apply(scores, block, rough.scale.lowest)
            best.look_at(scores, partial(blocks.rows, block))

        if blocks.count:
            look_at(0)  # before help comes: it tells what is too little to be looked at
        crew.each(blocks.count - 1, lambda piece: look_at(piece + 1), helpers)
        for part in parts.values():
            leader.take_over(part)
        return leader

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


@dataclass(frozen=True)
class _Batch:
    """Queries that are scored together.

    Attributes:
        queries: float32 [queries, dimension].
        excluded: Rows that must not be found, a list for each query.
        hidden: Rows that must not be found by any query.
        limit: How many to find at most.
    """

    queries: Floats
    excluded: Ragged
    hidden: Rows
    limit: int

    def take(self, queries: NDArray[np.int64]) -> "_Batch":
        """Returns the batch of some of the queries."""
        return _Batch(self.queries[queries], self.excluded.take(queries), self.hidden, self.limit)


class _Exclusions:
    """Which scores do not count, found quickly for a block."""

    def __init__(self, batch: _Batch, blocks: Blocks) -> None:
        self._blocks, self._columns, order = _by_block(blocks, batch.excluded.values)
        self._owners = batch.excluded.owners[order]
        self._hidden_blocks, self._hidden_columns, _ = _by_block(blocks, batch.hidden)

    def apply(self, scores: Scores, block: int, lowest: float) -> None:
        """Gives the excluded items of a block a score below all others."""
        low, high = np.searchsorted(self._blocks, (block, block + 1))
        scores[self._owners[low:high], self._columns[low:high]] = lowest
        if len(self._hidden_blocks):
            low, high = np.searchsorted(self._hidden_blocks, (block, block + 1))
            scores[:, self._hidden_columns[low:high]] = lowest


def _by_block(blocks: Blocks, rows: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Returns the blocks of rows, rising, the places there, and which row each of these is."""
    own, columns = blocks.places(rows.astype(np.int64))
    # Of small integers, a sort that is linear.
    order = np.argsort(own.astype(np.min_scalar_type(blocks.count)), kind="stable")
    return own[order], columns[order], order


def _part(parts: dict[int, BestItems], leader: BestItems) -> BestItems:
    """Returns this thread's list."""
    own = threading.get_ident()
    if own not in parts:
        parts[own] = leader.successor()
    return parts[own]
