"""A ranking model that changes the order of recall, instead of finding an order of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from services.training.ranking.model import RankingData
from services.training.ranking.signals import MatchSignals

# Lists that the scale is taken from.
_MEASURED_ON = 512

# Scores that differ by less, beside the products that they are sums of, differ in what rounding left of those.
_ROUNDING = 1e-3


class OnRecall(nn.Module):
    """Adds a model's first objective to the collaborative score, as the default ranker does.

    Recall is fitted on many times the events that are left for a ranker: a model that begins with nothing but its own
    parameters would have to learn again what recall knows, and on little data it does not.

    Args:
        model: As `BuildRanker` makes it; the only part that is fitted, apart from the scale.
        signals: Of the fitted recall models.
    """

    def __init__(self, model: nn.Module, signals: MatchSignals) -> None:
        super().__init__()
        self.model = model
        self.signals = signals
        self.scale = nn.Parameter(torch.ones(()))

    def forward(
        self,
        history: Tensor,
        user_features: Tensor,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Scores candidates; `BuildRanker` has the shapes."""
        own: Tensor = self.model(history, user_features, candidates, candidate_features, candidate_query)
        recall = self.recall(history, user_features, candidates, candidate_query)
        return torch.cat([own[:, :1] + self.scale * recall[:, None], own[:, 1:]], dim=1)

    def recall(self, history: Tensor, user_features: Tensor, candidates: Tensor, candidate_query: Tensor) -> Tensor:
        """Computes the collaborative scores, as `MatchSignals.scores` does: float [n]."""
        return self.signals.match(history, user_features, candidates, candidate_query)[1]

    def take_scale(self, data: RankingData) -> None:
        """Has collaborative scores differ by about 1 within a list, whatever the unit of their model is.

        Those that hardly differ, as of a factorisation with as many dimensions as there are items, stay as they are.

        Args:
            data: Whose first lists are looked at.
        """
        some = slice(_MEASURED_ON)
        candidates = torch.as_tensor(data.examples.candidates[some])
        there = candidates >= 0
        query = torch.arange(len(candidates)).repeat_interleave(candidates.shape[1])
        with torch.inference_mode():
            agreement, matched = self.signals.match(
                torch.as_tensor(data.examples.history[some]),
                data.tables.users[data.examples.users[some]],
                candidates.clamp(min=0).flatten(),
                query,
            )
            scores = matched.reshape(candidates.shape)
            mean = (scores * there).sum(dim=1, keepdim=True) / there.sum(dim=1, keepdim=True)
            spread = float((scores - mean)[there].square().mean().sqrt())
            products = float(agreement.abs().sum(dim=1).mean())
        if spread > _ROUNDING * products:
            nn.init.constant_(self.scale, 1.0 / spread)
