"""Requests to ranking, and its answers as arrays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.tensors import Ragged, encode
from winnow.ranking.v1 import ranking_service_pb2 as pb

USER_FEATURES = 6
ITEM_FEATURES = 3


def rows_tensor(rows: Sequence[int]) -> pb.Tensor:
    """Returns rows or offsets as a tensor."""
    return encode(np.array(rows, dtype=np.uint32), pb.Tensor)


def score_request(
    histories: list[list[int]],
    candidates: list[list[int]],
    user_features: NDArray[np.float32] | None = None,
    candidate_features: NDArray[np.float32] | None = None,
    snapshot_id: str = "snapshot-1",
) -> pb.ScoreRequest:
    """Returns a request to score; features are zero unless given."""
    history = Ragged.of([np.array(rows) for rows in histories], np.uint32)
    candidate = Ragged.of([np.array(rows) for rows in candidates], np.uint32)
    if user_features is None:
        user_features = np.zeros((len(histories), USER_FEATURES), dtype=np.float32)
    if candidate_features is None:
        candidate_features = np.zeros((len(candidate.values), ITEM_FEATURES), dtype=np.float32)
    return pb.ScoreRequest(
        snapshot_id=snapshot_id,
        user_features=encode(user_features, pb.Tensor),
        history_rows=encode(history.values, pb.Tensor),
        history_offsets=encode(history.offsets, pb.Tensor),
        candidate_rows=encode(candidate.values, pb.Tensor),
        candidate_offsets=encode(candidate.offsets, pb.Tensor),
        candidate_features=encode(candidate_features, pb.Tensor),
    )


def scores_of(answer: pb.ScoreResponse) -> NDArray[np.float32]:
    """Returns the scores of an answer, float32 [candidates, objectives]."""
    return np.frombuffer(answer.scores.data, dtype="<f4").reshape(list(answer.scores.shape))
