"""The channel that always has something: what is popular, the same for everybody."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import NO_ROWS, Floats, Found, Rows
from shared.tensors import Ragged


class PopularityChannel:
    """Items by weight.

    Args:
        name: Unique in the snapshot.
        quota: The share of the answer.
        ranked: All items, the most popular first.
    """

    #: It looks its answer up.
    instant = True

    def __init__(self, name: str, quota: float, ranked: Found) -> None:
        self.name = name
        self.quota = quota
        self._ranked = ranked
        self._places = np.empty(len(ranked.rows), dtype=np.int64)
        self._places[ranked.rows] = np.arange(len(ranked.rows))

    @classmethod
    def of_weights(cls, name: str, quota: float, weights: Floats) -> Self:
        """Returns the channel for popularity weights, float32 [items]."""
        return cls(name, quota, Found.best(np.arange(len(weights)), weights, len(weights)))

    def encode(self, histories: Rows, user_features: Floats) -> Floats:  # noqa: ARG002 - the same for everybody
        """Returns queries without content: float32 [queries, 0]."""
        return np.empty((len(histories), 0), dtype=np.float32)

    def search(self, queries: Floats, excluded: Ragged, limit: int, hidden: Rows = NO_ROWS) -> list[Found]:
        """Returns, for each query, the most popular items that are neither excluded nor hidden."""
        return [self._without(excluded[query], hidden, limit) for query in range(len(queries))]

    def _without(self, excluded: NDArray[np.uint32], hidden: Rows, limit: int) -> Found:
        # That many hold `limit` even if every row that must not be found is among them.
        enough = min(limit + len(excluded) + len(hidden), len(self._places))
        kept = np.ones(enough, dtype=np.bool_)
        for rows in (excluded, hidden):
            places = self._places[rows]
            kept[places[places < enough]] = False
        best = np.flatnonzero(kept)[:limit]
        return Found(self._ranked.rows[best], self._ranked.scores[best])
