"""The ranker: one model, one run for all queries of a batch."""

import numpy as np
from numpy.typing import NDArray

from services.ranking.batch import ScoringBatch
from services.ranking.padding import Pad
from shared.onnx_session import OnnxModel

INPUTS = ("history", "user_features", "candidates", "candidate_features", "candidate_query")
OUTPUT = "scores"


class Ranker:
    """Scores batches. Safe to call from several threads.

    Args:
        model: From the fields of `ScoringBatch` to `scores`.
        objectives: How many scores a candidate gets.
        pad: Gives a batch the shape that the model is run with.
    """

    def __init__(self, model: OnnxModel, objectives: int, pad: Pad) -> None:
        self._model = model
        self._objectives = objectives
        self._pad = pad

    def score(self, batch: ScoringBatch) -> NDArray[np.float32]:
        """Returns the model's scores, float32 [N, objectives], in the order of the candidates."""
        if len(batch) == 0:
            return np.empty((0, self._objectives), dtype=np.float32)
        padded = self._pad(batch)
        scores = self._model(
            history=padded.history,
            user_features=padded.user_features,
            candidates=padded.candidates,
            candidate_features=padded.candidate_features,
            candidate_query=padded.candidate_query,
        )
        return scores[: len(batch)]
