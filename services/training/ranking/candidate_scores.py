"""Scoring a few candidates for each of many histories, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from services.training.metrics.lists import NO_ITEM
from services.training.ranking.feature_tables import FeatureTables
from services.training.sequence.windows import pad_histories

# Places of histories times candidates that are scored together, for some models compare each with each; and candidates,
# for each has hidden layers.
_MOST_COMPARISONS = 4_000_000
_MOST_CANDIDATES = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class CandidateQueries:
    """Histories, each with candidates of its own.

    Attributes:
        users: int64 [queries], whose history each is.
        histories: Of each query, int32 item rows, oldest first.
        candidates: int64 [queries, places] item rows; `NO_ITEM` where there is none.
    """

    users: npt.NDArray[np.int64]
    histories: tuple[npt.NDArray[np.int32], ...]
    candidates: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.users)


def score_candidates(
    model: nn.Module,
    queries: CandidateQueries,
    tables: FeatureTables,
    max_history: int,
    advance: Callable[[int], None] | None = None,
) -> npt.NDArray[np.float32]:
    """Scores all candidates by a model's first objective.

    Histories of about the same length are scored together, so that little padding is computed.

    Args:
        model: As `BuildRanker` makes it, in evaluation mode.
        queries: What is scored.
        tables: Features by row.
        max_history: How many of the newest items of a history the model is shown, at least 1.
        advance: Told after each batch how many queries it had.

    Returns:
        float32 [queries, places]; -inf at `NO_ITEM`.
    """
    lengths = np.asarray([max(1, min(max_history, len(history))) for history in queries.histories])
    scores = np.empty(queries.candidates.shape, dtype=np.float32)
    for rows in _alike(lengths, queries.candidates.shape[1]):
        scores[rows] = _scored(model, queries, rows, tables, int(lengths[rows].max()))
        if advance is not None:
            advance(len(rows))
    scores[queries.candidates == NO_ITEM] = -np.inf
    return scores


def _alike(lengths: npt.NDArray[np.int64], places: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yields queries whose histories are of about the same length, as many as may be scored together."""
    order = np.argsort(lengths, kind="stable")
    done = 0
    while done < len(order):
        size = _at_once(int(lengths[order[done]])) // places
        # The longest of a batch decides how many there may be.
        size = _at_once(int(lengths[order[min(done + max(1, size), len(order)) - 1]])) // places
        yield order[done : done + max(1, size)]
        done += max(1, size)


def _at_once(length: int) -> int:
    return max(1, min(_MOST_CANDIDATES, _MOST_COMPARISONS // length))


def _scored(
    model: nn.Module, queries: CandidateQueries, rows: npt.NDArray[np.int64], tables: FeatureTables, length: int
) -> npt.NDArray[np.float32]:
    history = torch.as_tensor(pad_histories([queries.histories[row] for row in rows], length))
    users = tables.users[queries.users[rows]]
    candidates = torch.as_tensor(queries.candidates[rows]).clamp(min=0).flatten()
    query = torch.arange(len(rows)).repeat_interleave(queries.candidates.shape[1])
    with torch.inference_mode():
        parts = [
            model(history, users, candidates[part], tables.items[candidates[part]], query[part])[:, 0]
            for part in torch.split(torch.arange(len(candidates)), _at_once(length))
        ]
    found: npt.NDArray[np.float32] = torch.cat(parts).reshape(len(rows), -1).numpy()
    return found
