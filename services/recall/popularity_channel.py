"""The channel that always has something: what is popular, the same for everybody."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import Floats, Found, Rows


class PopularityChannel:
    """Items by weight.

    Args:
        name: Unique in the snapshot.
        quota: The share of the answer.
        ranked: All items, the most popular first.
    """

    def __init__(self, name: str, quota: float, ranked: Found) -> None:
        self.name = name
        self.quota = quota
        self._ranked = ranked

    @classmethod
    def of_weights(cls, name: str, quota: float, weights: Floats) -> Self:
        """Returns the channel for popularity weights, float32 [items]."""
        return cls(name, quota, Found.best(np.arange(len(weights)), weights, len(weights)))

    def encode(self, histories: Rows, user_features: Floats) -> Floats:  # noqa: ARG002 - the same for everybody
        """Returns queries without content: float32 [queries, 0]."""
        return np.empty((len(histories), 0), dtype=np.float32)

    def search(self, query: Floats, excluded: NDArray[np.uint32], limit: int) -> Found:  # noqa: ARG002
        """Returns the most popular items that are not excluded."""
        # That many rows hold `limit` even if every excluded one is among them.
        enough = limit + len(excluded)
        rows, scores = self._ranked.rows[:enough], self._ranked.scores[:enough]
        kept = ~np.isin(rows, excluded)
        return Found(rows[kept][:limit], scores[kept][:limit])
