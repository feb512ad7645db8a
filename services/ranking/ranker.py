"""The ranker: one model, and as few runs of it as are quick for all queries of a batch."""

import time
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from services.ranking import metrics
from services.ranking.batch import ScoringBatch, cut
from services.ranking.padding import CANDIDATE_BUCKETS, Pad


class Model(Protocol):
    """From the fields of `ScoringBatch` to scores. Safe to call from several threads."""

    def __call__(self, **arrays: NDArray[Any]) -> NDArray[np.float32]:
        """Returns `scores`, float32 [N, objectives]."""
        ...


class Ranker:
    """Scores batches. Safe to call from several threads.

    Args:
        model: From the fields of `ScoringBatch` to `scores`.
        objectives: How many scores a candidate gets.
        pad: Gives a batch the shape that the model is run with.
        most: The most candidates of one run; a larger batch takes several, one after the other.
    """

    def __init__(self, model: Model, objectives: int, pad: Pad, most: int = CANDIDATE_BUCKETS[-1]) -> None:
        self._model = model
        self._objectives = objectives
        self._pad = pad
        self._most = most

    def score(self, batch: ScoringBatch) -> NDArray[np.float32]:
        """Returns the model's scores, float32 [N, objectives], in the order of the candidates."""
        parts = list(self._runs(batch)) if len(batch) else [np.empty((0, self._objectives), dtype=np.float32)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _runs(self, batch: ScoringBatch) -> Iterator[NDArray[np.float32]]:
        for part in cut(batch, self._most):
            padded = self._pad(part)
            started = time.perf_counter()
            scores = self._model(
                history=padded.history,
                user_features=padded.user_features,
                candidates=padded.candidates,
                candidate_features=padded.candidate_features,
                candidate_query=padded.candidate_query,
            )
            metrics.MODEL_SECONDS.inc(time.perf_counter() - started)
            yield scores[: len(part)]
