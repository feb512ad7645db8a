"""Requests to recall, and its answers as plain lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shared.tensors import Ragged, encode
from winnow.recall.v1 import recall_service_pb2 as pb

USER_FEATURES = 6


def rows_tensor(rows: Sequence[int]) -> pb.Tensor:
    """Returns rows or offsets as a tensor."""
    return encode(np.array(rows, dtype=np.uint32), pb.Tensor)


def retrieve_request(
    histories: list[list[int]],
    excluded: list[list[int]] | None = None,
    user_features: NDArray[np.float32] | None = None,
    max_candidates: int = 20,
    snapshot_id: str = "snapshot-1",
) -> pb.RetrieveRequest:
    """Returns a request for candidates; nothing is excluded and nothing is known of users unless given."""
    ragged = Ragged.of([np.array(rows) for rows in histories], np.uint32)
    ragged_excluded = Ragged.of([np.array(rows) for rows in excluded or [[] for _ in histories]], np.uint32)
    if user_features is None:
        user_features = np.zeros((len(histories), USER_FEATURES), dtype=np.float32)
    return pb.RetrieveRequest(
        snapshot_id=snapshot_id,
        history_rows=encode(ragged.values, pb.Tensor),
        history_offsets=encode(ragged.offsets, pb.Tensor),
        user_features=encode(user_features, pb.Tensor),
        excluded_rows=encode(ragged_excluded.values, pb.Tensor),
        excluded_offsets=encode(ragged_excluded.offsets, pb.Tensor),
        max_candidates=max_candidates,
    )


def similar_request(
    rows: Sequence[int], max_candidates: int = 10, snapshot_id: str = "snapshot-1"
) -> pb.RetrieveSimilarRequest:
    """Returns a request for items alike."""
    return pb.RetrieveSimilarRequest(
        snapshot_id=snapshot_id, item_rows=rows_tensor(rows), max_candidates=max_candidates
    )


@dataclass(frozen=True)
class Candidates:
    """The candidates of one query.

    Attributes:
        rows: Best first.
        found_by: For each candidate, the names of the channels that found it.
        scores: float32 [candidates, channels].
    """

    rows: list[int]
    found_by: list[set[str]]
    scores: NDArray[np.float32]

    def score_of(self, row: int, channel: int) -> float:
        """Returns a candidate's score in a channel."""
        return float(self.scores[self.rows.index(row), channel])


def stand_ins_of(answer: pb.RetrieveResponse, items: int) -> dict[int, list[int]]:
    """Returns the stand-ins of each row at or beyond the number of items, for an answer to a single query."""
    beside = [row for row in candidates_of(answer)[0].rows if row >= items]
    rows = np.frombuffer(answer.stand_in_rows.data, dtype="<u4").reshape(tuple(answer.stand_in_rows.shape) or (0, 0))
    return dict(zip(beside, rows.tolist(), strict=True))


def candidates_of(answer: pb.RetrieveResponse | pb.RetrieveSimilarResponse) -> list[Candidates]:
    """Returns the candidates of each query of an answer."""
    rows = np.frombuffer(answer.candidate_rows.data, dtype="<u4")
    bits = np.frombuffer(answer.found_by.data, dtype="<u4")
    scores = np.frombuffer(answer.channel_scores.data, dtype="<f4").reshape(len(rows), len(answer.channels))
    offsets = np.frombuffer(answer.candidate_offsets.data, dtype="<u4").tolist()
    names = [{name for bit, name in enumerate(answer.channels) if one >> bit & 1} for one in bits.tolist()]
    return [
        Candidates(rows[start:end].tolist(), names[start:end], scores[start:end]) for start, end in pairwise(offsets)
    ]
