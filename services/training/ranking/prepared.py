"""Lists with their signals, computed once: the frozen part of the ranker is most of its cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from services.training.metrics.lists import NO_ITEM
from services.training.ranking.candidate_lists import NEVER
from services.training.ranking.feature_tables import FeatureTables
from services.training.ranking.ranker import Ranker, context

_STANDARDISED_ON = 512
# As many as stay in the processor's cache: more at a time take twice as long.
_LISTS_AT_A_TIME = 8


@dataclass(frozen=True, slots=True, eq=False)
class PreparedLists:
    """What the fitted part of the default ranker needs to score lists of candidates.

    Attributes:
        ranker: Whose signals these are.
        signals: float [lists, places, signals].
        states: float [lists, dimension], the encoder's output for each history, as `MatchSignals.reduce` gives it.
        context: float [lists, user features + 1].
        candidates: int64 [lists, places] item rows; `NO_ITEM` where a list has ended.
        item_features: float [items, item features].
    """

    ranker: Ranker
    signals: Tensor
    states: Tensor
    context: Tensor
    candidates: Tensor
    item_features: Tensor

    @classmethod
    def compute(
        cls,
        ranker: Ranker,
        users: npt.NDArray[np.int64],
        history: npt.NDArray[np.int64],
        candidates: npt.NDArray[np.int64],
        tables: FeatureTables,
    ) -> Self:
        """Computes the signals of lists.

        Args:
            ranker: Whose signals to compute.
            users: int64 [lists].
            history: int64 [lists, length], padded on the left with -1.
            candidates: int64 [lists, places].
            tables: Features by row.
        """
        rows = torch.as_tensor(candidates)
        past, about = torch.as_tensor(history), tables.users[users]
        signals = torch.empty(*rows.shape, ranker.signals.width)
        states = torch.empty(len(rows), ranker.signals.dimension)
        with torch.inference_mode():
            for start in range(0, len(rows), _LISTS_AT_A_TIME):
                part = slice(start, start + _LISTS_AT_A_TIME)
                flat, query = _flatten(rows[part])
                queries = ranker.signals.encoder(past[part], about[part])
                states[part] = ranker.signals.reduce(queries)
                agreement = ranker.signals.agreement(states[part], flat, query)
                scores = ranker.signals.scores(queries, agreement, flat, query)
                computed = ranker.signals(scores, past[part], flat, tables.items[flat], query)
                signals[part] = computed.reshape(*rows[part].shape, -1)
        return cls(ranker, signals, states, context(past, about), rows, tables.items)

    def __len__(self) -> int:
        return len(self.candidates)

    def standardise(self) -> None:
        """Takes the scale of the ranker's signals from some of these lists, which torch's generator chooses."""
        some = torch.randperm(len(self))[:_STANDARDISED_ON]
        self.ranker.standardise(self.signals[some].flatten(0, 1))

    def score(self, lists: Tensor) -> Tensor:
        """Scores some of the lists.

        Args:
            lists: int64 [chosen], numbers of lists.

        Returns:
            float [chosen, places], hugely negative at `NO_ITEM`.
        """
        candidates = self.candidates[lists]
        flat, query = _flatten(candidates)
        scores = self.ranker.combine(
            self.signals[lists].flatten(0, 1),
            self.ranker.signals.agreement(self.states[lists], flat, query),
            self.context[lists],
            self.item_features[flat],
            query,
        )
        return scores[:, 0].reshape(candidates.shape).masked_fill(candidates == NO_ITEM, NEVER)


def _flatten(candidates: Tensor) -> tuple[Tensor, Tensor]:
    """Item rows (0 for `NO_ITEM`) and list numbers of all places: int64 [lists * places] each."""
    lists, places = candidates.shape
    return candidates.clamp(min=0).flatten(), torch.arange(lists).repeat_interleave(places)
