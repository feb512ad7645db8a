"""What a recall channel is: one way of finding candidates, with a share of the answer."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """What one channel found for one query, best first.

    Attributes:
        rows: int64 [found], no row twice.
        scores: float32 [found], the channel's own, finite, not increasing.
    """

    rows: Rows
    scores: Floats

    @classmethod
    def nothing(cls) -> Self:
        """Returns an empty list."""
        return cls(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))

    @classmethod
    def best(cls, rows: Rows, scores: Floats, limit: int) -> Self:
        """Returns the `limit` rows with the highest scores, ties in order of row."""
        if len(rows) > limit:
            # Partitioning first makes the choice linear in what was looked at; only the chosen are sorted.
            chosen = np.argpartition(scores, -limit)[-limit:]
            rows, scores = rows[chosen], scores[chosen]
        order = np.lexsort((rows, -scores))
        return cls(rows[order], scores[order])


class Channel(Protocol):
    """Finds candidates for users. Called from several threads at once."""

    @property
    def name(self) -> str:
        """Unique in the snapshot."""
        ...

    @property
    def quota(self) -> float:
        """The share of the answer, relative to the other channels' quotas; above 0."""
        ...

    def encode(self, histories: Rows, user_features: Floats) -> Floats:
        """Returns what to search for: float32 [queries, dimension].

        Args:
            histories: int64 [queries, width], padded on the left with -1.
            user_features: float32 [queries, user features].
        """
        ...

    def search(self, query: Floats, excluded: NDArray[np.uint32], limit: int) -> Found:
        """Returns at most `limit` candidates for one encoded query, without the excluded rows."""
        ...


class SimilarityChannel(Channel, Protocol):
    """A channel that also knows which items are alike."""

    def similar(self, row: int, limit: int) -> Found:
        """Returns at most `limit` items by cosine similarity, without the item itself."""
        ...
