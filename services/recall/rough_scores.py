"""What a scan looks at first: scores of all items that are cheap and nearly right."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from services.recall.blocks import Blocks
from services.recall.channel import Floats
from services.recall.search_cost import SearchCosts

#: float32 or int32 [queries, items of a block].
Scores = NDArray[Any]


@dataclass(frozen=True)
class Scale:
    """How the rough scores of a batch's queries relate to exact ones.

    Attributes:
        unit: float64 [queries], above 0. A rough score times this is near the exact score...
        margin: float64 [queries]. ...and off by at most this, in either direction.
        lowest: Less than the rough score of any item: what an excluded item is given.
    """

    unit: NDArray[np.float64]
    margin: NDArray[np.float64]
    lowest: float

    def at_least(self, rough: Scores, queries: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns what items with these rough scores have at least; -infinity where they are excluded.

        Args:
            rough: [queries], one rough score for each of some queries.
            queries: int64, which queries these are.
        """
        return self.about(rough, queries) - self.margin[queries]

    def about(self, rough: Scores, queries: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns what items with these rough scores have, give or take the margin; arguments as those of `at_least`."""
        return np.where(rough > self.lowest, rough * self.unit[queries], -np.inf)

    def least(self, exact: NDArray[np.float64], dtype: np.dtype[Any]) -> Scores:
        """Returns the least rough score, for each query, that an item with that exact score may have.

        Args:
            exact: float64 [queries]; -infinity for any.
            dtype: What the rough scores are.
        """
        rough = (exact - self.margin) / self.unit
        if np.issubdtype(dtype, np.integer):
            limits = np.iinfo(dtype)
            return np.clip(np.floor(rough), limits.min + 1, limits.max).astype(dtype)
        # Below what rounding to float32 may add.
        return np.maximum(rough - np.abs(rough) * 2.0**-23, np.finfo(dtype).min).astype(dtype)


class RoughQueries(Protocol):
    """A batch of queries, ready to be scored against block after block. Safe to use from several threads."""

    @property
    def scale(self) -> Scale:
        """How their rough scores relate to exact ones."""
        ...

    @property
    def blocks(self) -> Blocks:
        """How the items are dealt out to blocks."""
        ...

    def scores(self, block: int) -> Scores:
        """Returns the rough scores of a block's items, which are the caller's until it asks for those of another."""
        ...


class RoughScores(Protocol):
    """Rough scores of the items of a catalogue, block by block."""

    #: What scanning this way costs.
    costs: SearchCosts

    #: How many queries to score together at most.
    queries_together: int

    def of(self, queries: Floats) -> RoughQueries:
        """Returns a batch of queries (float32 [queries, dimension]) to score."""
        ...


def rounding(queries: Floats, longest: float) -> NDArray[np.float64]:
    """Returns by how much two ways of summing up a float32 inner product may differ, float64 [queries].

    Each is off by at most dimension * 2**-24 times the product of the lengths, in whatever order it sums up.

    Args:
        queries: float32 [queries, dimension].
        longest: The length of the longest vector that they are multiplied with.
    """
    lengths = np.linalg.norm(queries.astype(np.float64), axis=1)
    return np.asarray(2.0 * (queries.shape[1] + 4) * 2.0**-24 * longest * lengths)
