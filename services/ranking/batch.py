"""Candidates of many queries, to be scored in one run."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
