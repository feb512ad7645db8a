"""Candidates of many queries, to be scored in one run, and how such batches are joined and cut."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.history import widen


@dataclass(frozen=True)
class ScoringBatch:
    """The ranker's inputs. Q queries, H history items, U user features, N candidates, F item features.

    Attributes:
        history: int64 [Q, H], rows padded on the left with -1.
        user_features: float32 [Q, U].
        candidates: int64 [N], rows, the candidates of all queries end to end.
        candidate_features: float32 [N, F].
        candidate_query: int64 [N], the query of each candidate.
    """

    history: NDArray[np.int64]
    user_features: NDArray[np.float32]
    candidates: NDArray[np.int64]
    candidate_features: NDArray[np.float32]
    candidate_query: NDArray[np.int64]

    @property
    def queries(self) -> int:
        """How many queries there are."""
        return len(self.history)

    def __len__(self) -> int:
        """How many candidates there are."""
        return len(self.candidates)


def join(batches: Sequence[ScoringBatch]) -> ScoringBatch:
    """Returns all queries and candidates end to end, histories padded to a common width.

    Args:
        batches: At least one, of the same numbers of features.
    """
    if len(batches) == 1:
        return batches[0]
    width = max(batch.history.shape[1] for batch in batches)
    firsts = np.cumsum([0, *(batch.queries for batch in batches[:-1])])
    return ScoringBatch(
        history=np.concatenate([widen(batch.history, width) for batch in batches]),
        user_features=np.concatenate([batch.user_features for batch in batches]),
        candidates=np.concatenate([batch.candidates for batch in batches]),
        candidate_features=np.concatenate([batch.candidate_features for batch in batches]),
        candidate_query=np.concatenate(
            [batch.candidate_query + first for batch, first in zip(batches, firsts, strict=True)]
        ),
    )


def cut(batch: ScoringBatch, most: int) -> Iterator[ScoringBatch]:
    """Yields the candidates in their order, at most so many at a time, each part with the queries that it needs."""
    if len(batch) <= most:
        yield batch
        return
    for start in range(0, len(batch), most):
        part = slice(start, start + most)
        owners = batch.candidate_query[part]
        first = int(owners.min())
        queries = slice(first, int(owners.max()) + 1)
        yield ScoringBatch(
            history=batch.history[queries],
            user_features=batch.user_features[queries],
            candidates=batch.candidates[part],
            candidate_features=batch.candidate_features[part],
            candidate_query=owners - first,
        )
