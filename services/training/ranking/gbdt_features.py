"""What trees decide by: everything that is known of a person and a candidate, as named numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from services.training.metrics.lists import NO_ITEM
from services.training.ranking.feature_tables import FeatureTables
from services.training.ranking.model import RankerShape
from services.training.ranking.ranker import context
from services.training.ranking.signals import SIGNALS, MatchSignals
from shared.features import UserFeatureTransform

_LISTS_AT_A_TIME = 8


class TreeFeatures(nn.Module):
    """Match signals, the features of candidate and user, and how long the history is; nothing here is fitted.

    Args:
        signals: What fitted recall models say.
    """

    def __init__(self, signals: MatchSignals) -> None:
        super().__init__()
        self.signals = signals

    def forward(
        self,
        history: Tensor,
        user_features: Tensor,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Returns a row for each candidate, float [n, columns], named by `column_names`; `BuildRanker` has the shapes."""
        _, scores = self.signals.match(history, user_features, candidates, candidate_query)
        signals = self.signals(scores, history, candidates, candidate_features, candidate_query)
        return torch.cat([signals, candidate_features, context(history, user_features)[candidate_query]], dim=1)

    def of_lists(
        self,
        users: npt.NDArray[np.int64],
        history: npt.NDArray[np.int64],
        candidates: npt.NDArray[np.int64],
        tables: FeatureTables,
    ) -> npt.NDArray[np.float32]:
        """Computes the rows of lists.

        Args:
            users: int64 [lists], whose history it is.
            history: int64 [lists, length], padded on the left with -1.
            candidates: int64 [lists, places] item rows; `NO_ITEM` where a list has ended.
            tables: Features by row.

        Returns:
            float32 [n, columns], for the candidates that are not `NO_ITEM`, list by list.
        """
        parts = []
        with torch.inference_mode():
            for start in range(0, len(candidates), _LISTS_AT_A_TIME):
                part = slice(start, start + _LISTS_AT_A_TIME)
                query, place = (torch.as_tensor(found) for found in np.nonzero(candidates[part] != NO_ITEM))
                rows = torch.as_tensor(candidates[part])[query, place]
                asked = (torch.as_tensor(history[part]), tables.users[users[part]], rows, tables.items[rows], query)
                parts.append(self(*asked).numpy())
        return np.concatenate(parts)


def column_names(shape: RankerShape) -> tuple[str, ...]:
    """Returns what the columns of `TreeFeatures` are, in words."""
    return (
        *SIGNALS,
        *(f"the history's {name}, where the candidate has it" for name in shape.item_features),
        *(f"the candidate's {name}" for name in shape.item_features),
        *(f"the user's {name}" for name in UserFeatureTransform(shape.user_fields).names),
        "length of the history",
    )
