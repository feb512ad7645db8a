"""Lists of candidates, each for one history, which a model scores as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from services.training.metrics.lists import NO_ITEM
from services.training.ranking.feature_tables import FeatureTables

#: The score of a place where a list has ended.
NEVER = -1e9


@dataclass(frozen=True, slots=True, eq=False)
class CandidateLists:
    """Lists of candidates, and the model that scores them.

    Attributes:
        model: As `BuildRanker` makes it.
        users: int64 [lists], whose history it is.
        history: int64 [lists, length], padded on the left with -1.
        candidates: int64 [lists, places] item rows; `NO_ITEM` where a list has ended.
        tables: Features by row.
    """

    model: nn.Module
    users: Tensor
    history: Tensor
    candidates: Tensor
    tables: FeatureTables

    @classmethod
    def of(
        cls,
        model: nn.Module,
        users: npt.NDArray[np.int64],
        history: npt.NDArray[np.int64],
        candidates: npt.NDArray[np.int64],
        tables: FeatureTables,
    ) -> CandidateLists:
        """Returns the lists of these arrays."""
        return cls(model, torch.as_tensor(users), torch.as_tensor(history), torch.as_tensor(candidates), tables)

    def __len__(self) -> int:
        return len(self.candidates)

    def score(self, lists: Tensor) -> Tensor:
        """Scores some of the lists by the first objective: float [chosen, places], hugely negative at `NO_ITEM`."""
        return self.score_objectives(lists)[..., 0]

    def score_objectives(self, lists: Tensor) -> Tensor:
        """Scores some of the lists by all objectives: float [chosen, places, objectives], hugely negative at `NO_ITEM`."""
        candidates = self.candidates[lists]
        chosen, places = candidates.shape
        rows = candidates.clamp(min=0).flatten()
        query = torch.arange(chosen).repeat_interleave(places)
        user_features = self.tables.users[self.users[lists]]
        scores: Tensor = self.model(self.history[lists], user_features, rows, self.tables.items[rows], query)
        return scores.float().reshape(*candidates.shape, -1).masked_fill((candidates == NO_ITEM)[..., None], NEVER)
