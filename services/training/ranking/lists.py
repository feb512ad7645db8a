"""Scoring lists of candidates by any ranking model, in the way that is fastest for it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from services.training.ranking.candidate_lists import CandidateLists
from services.training.ranking.feature_tables import FeatureTables
from services.training.ranking.prepared import PreparedLists
from services.training.ranking.ranker import Ranker

_LISTS_AT_A_TIME = 8


class ScoredLists(Protocol):
    """Lists of candidates with a model that scores them."""

    def __len__(self) -> int: ...

    def score(self, lists: Tensor) -> Tensor:
        """Scores some of the lists by the first objective: float [chosen, places], hugely negative at `NO_ITEM`."""


def lists_of(
    model: nn.Module,
    users: npt.NDArray[np.int64],
    history: npt.NDArray[np.int64],
    candidates: npt.NDArray[np.int64],
    tables: FeatureTables,
) -> ScoredLists:
    """Lays lists out for a model to score.

    Args:
        model: As `BuildRanker` makes it. Of the default ranker, what is never fitted is computed here, once.
        users: int64 [lists], whose history it is.
        history: int64 [lists, length], padded on the left with -1.
        candidates: int64 [lists, places] item rows; `NO_ITEM` where a list has ended.
        tables: Features by row.
    """
    if isinstance(model, Ranker):
        return PreparedLists.compute(model, users, history, candidates, tables)
    return CandidateLists.of(model, users, history, candidates, tables)


def score_all(model: nn.Module, lists: ScoredLists) -> npt.NDArray[np.float32]:
    """Scores every list with the model in evaluation mode: float32 [lists, places]."""
    model.eval()
    with torch.inference_mode():
        parts = [lists.score(some) for some in torch.split(torch.arange(len(lists)), _LISTS_AT_A_TIME)]
    scores: npt.NDArray[np.float32] = torch.cat(parts).numpy()
    return scores
