"""The arrays of a request, checked against the limits and each other, as a batch to score."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranking.batch import ScoringBatch
from services.ranking.limits import MAX_CANDIDATES, MAX_HISTORY_ROWS, MAX_QUERIES
from services.ranking.open_inference.signature import TensorSignature
from services.ranking.snapshot import RankingSnapshot
from shared.errors import InvalidArgument
from shared.history import NO_ITEM

Arrays = Mapping[str, NDArray[Any]]


def scoring_batch(arrays: Arrays, signatures: Mapping[str, TensorSignature], snapshot: RankingSnapshot) -> ScoringBatch:
    """Returns the batch that arrays ask to score; those that were left out get their defaults.

    Args:
        arrays: The request's arrays by name, of the types and shapes of the signatures.
        signatures: The inputs that the model has, by name.
        snapshot: Whose items and features they are about.

    Raises:
        InvalidArgument: naming the input that is missing or beyond a limit.
    """
    if len(arrays) < len(signatures):
        for name, signature in signatures.items():
            if not signature.optional and name not in arrays:
                raise InvalidArgument(name, "is missing")
    user_features = _finite(arrays, "user_features")
    queries = len(user_features)
    if not 1 <= queries <= MAX_QUERIES:
        raise InvalidArgument("user_features", f"is for {queries} queries; 1 to {MAX_QUERIES} are allowed")
    candidates = arrays["candidates"]
    if len(candidates) > MAX_CANDIDATES:
        raise InvalidArgument("candidates", f"holds {len(candidates)} rows; at most {MAX_CANDIDATES} are allowed")
    _check_within(candidates, 0, snapshot.items, "candidates")
    candidate_features = _finite(arrays, "candidate_features")
    _check_length(candidate_features, len(candidates), "candidate_features", "candidates")
    return ScoringBatch(
        history=_history(arrays.get("history"), queries, snapshot),
        user_features=user_features,
        candidates=candidates,
        candidate_features=candidate_features,
        candidate_query=_candidate_query(arrays.get("candidate_query"), queries, len(candidates)),
    )


def _history(history: NDArray[np.int64] | None, queries: int, snapshot: RankingSnapshot) -> NDArray[np.int64]:
    if history is None:
        return np.full((queries, 1), NO_ITEM, dtype=np.int64)
    _check_length(history, queries, "history", "queries of user_features")
    if history.shape[1] == 0:
        return np.full((queries, 1), NO_ITEM, dtype=np.int64)
    _check_within(history, NO_ITEM, snapshot.items, "history")
    present = history != NO_ITEM
    items = np.count_nonzero(present)
    if items < present.size and (present[:, :-1] > present[:, 1:]).any():
        raise InvalidArgument("history", f"must hold {NO_ITEM} on the left only, before the oldest item")
    if items > MAX_HISTORY_ROWS:
        raise InvalidArgument("history", f"holds {items} items; at most {MAX_HISTORY_ROWS} are allowed")
    return np.ascontiguousarray(history[:, -snapshot.max_history :])


def _candidate_query(owners: NDArray[np.int64] | None, queries: int, candidates: int) -> NDArray[np.int64]:
    if owners is None:
        if queries > 1:
            raise InvalidArgument("candidate_query", f"is missing; it may be where there is one query, not {queries}")
        return np.zeros(candidates, dtype=np.int64)
    _check_length(owners, candidates, "candidate_query", "candidates")
    _check_within(owners, 0, queries, "candidate_query")
    return owners


def _finite(arrays: Arrays, name: str) -> NDArray[np.float32]:
    if not np.isfinite(arrays[name]).all():
        raise InvalidArgument(name, "must not hold NaN or infinity")
    return arrays[name]


def _check_length(array: NDArray[Any], length: int, name: str, of: str) -> None:
    if len(array) != length:
        raise InvalidArgument(name, f"is for {len(array)}, but there are {length} {of}")


def _check_within(values: NDArray[np.int64], low: int, end: int, name: str) -> None:
    if values.size == 0:
        return
    # The ufuncs themselves: the methods of the array that call them cost half as much again.
    for value in (int(np.minimum.reduce(values, axis=None)), int(np.maximum.reduce(values, axis=None))):
        if not low <= value < end:
            raise InvalidArgument(name, f"holds {value}; from {low} to {end - 1} is allowed")
