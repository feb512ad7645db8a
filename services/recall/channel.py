"""What a recall channel is: one way of finding candidates, with a share of the answer."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from services.recall.order import first, pack, unpack
from shared.tensors import Ragged

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]

#: No rows.
NO_ROWS: Rows = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Found:
    """What one channel found for one query, best first.

    Attributes:
        rows: int64 [found], no row twice.
        scores: float32 [found], the channel's own, finite, not increasing.
        exact: Whether it is certain that nothing better was left out.
    """

    rows: Rows
    scores: Floats
    exact: bool = True

    @classmethod
    def nothing(cls) -> Self:
        """Returns an empty list."""
        return cls(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))

    @classmethod
    def best(cls, rows: Rows, scores: Floats, limit: int, *, exact: bool = True) -> Self:
        """Returns the `limit` rows with the highest scores, ties in order of row."""
        return cls(*unpack(first(pack(scores, rows), limit)), exact)


class Channel(Protocol):
    """Finds candidates for batches of users. Called from several threads at once."""

    @property
    def name(self) -> str:
        """Unique in the snapshot."""
        ...

    @property
    def quota(self) -> float:
        """The share of the answer, relative to the other channels' quotas; above 0."""
        ...

    @property
    def instant(self) -> bool:
        """Whether it only looks its answer up, so that handing it to a thread costs more than asking it."""
        ...

    def encode(self, histories: Rows, user_features: Floats) -> Floats:
        """Returns what to search for: float32 [queries, dimension].

        Args:
            histories: int64 [queries, width], padded on the left with -1.
            user_features: float32 [queries, user features].
        """
        ...

    def search(self, queries: Floats, excluded: Ragged, limit: int) -> list[Found]:
        """Returns at most `limit` candidates for each encoded query, without its excluded rows.

        A query may be searched more thoroughly in company than alone, never less.

        Args:
            queries: float32 [queries, dimension], from `encode`.
            excluded: uint32 rows that must not be found, a list for each query.
            limit: How many to find at most, at least 1.
        """
        ...


class SimilarityChannel(Channel, Protocol):
    """A channel that also knows which items are alike."""

    def similar(self, rows: Rows, limit: int) -> list[Found]:
        """Returns, for each row (int64 [queries]), at most `limit` items by cosine similarity, without the item itself."""
        ...
