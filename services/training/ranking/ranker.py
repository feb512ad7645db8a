"""The ranker: one graph from a history and candidates to scores."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from services.training.ranking.signals import MatchSignals
from services.training.sequence.encoder import PADDING

OBJECTIVES = ("next",)


class Ranker(nn.Module):
    """A multi-layer perceptron over match signals, the candidate, the user and the length of the history.

    It contains everything that the signals need, so that serving computes exactly what was trained on.

    Args:
        signals: The frozen part.
        item_features: Columns of the item feature matrix.
        user_features: Width of the user features.
        hidden: Widths of the hidden layers.
        dropout: After each hidden layer.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, signals: MatchSignals, item_features: int, user_features: int, hidden: tuple[int, ...], dropout: float
    ) -> None:
        super().__init__()
        self.signals = signals
        self.register_buffer("mean", torch.zeros(signals.width))
        self.register_buffer("deviation", torch.ones(signals.width))
        # What is the same for all candidates of a query goes through the first layer once, not once a candidate.
        self.from_candidate = nn.Linear(signals.width + signals.dimension + item_features, hidden[0])
        self.from_query = nn.Linear(user_features + 1, hidden[0], bias=False)
        layers: list[nn.Module] = [nn.GELU(), nn.Dropout(dropout)]
        for width, next_width in pairwise(hidden):
            layers += [nn.Linear(width, next_width), nn.GELU(), nn.Dropout(dropout)]
        last = nn.Linear(hidden[-1], len(OBJECTIVES))
        self.head = nn.Sequential(*layers, last)
        self.collaborative_scale = nn.Parameter(torch.ones(len(OBJECTIVES)))
        # The ranker begins with the order of the collaborative scores and learns by how much to change it.
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def standardise(self, signals: Tensor) -> None:
        """Takes the mean and the deviation that signals are scaled by from examples of them: float [n, width]."""
        self.mean.copy_(signals.mean(dim=0))
        self.deviation.copy_(signals.std(dim=0).clamp(min=1e-3))

    def forward(
        self,
        history: Tensor,
        user_features: Tensor,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Scores candidates.

        Args:
            history: int64 [queries, length], oldest first, padded on the left with -1.
            user_features: float [queries, user features].
            candidates: int64 [n] item rows.
            candidate_features: float [n, item features].
            candidate_query: int64 [n], the query that each candidate is for.

        Returns:
            float [n, objectives], comparable within a query; higher is better.
        """
        agreement, scores = self.signals.match(history, user_features, candidates, candidate_query)
        signals = self.signals(scores, history, candidates, candidate_features, candidate_query)
        query_context = context(history, user_features)
        return self.combine(signals, agreement, query_context, candidate_features, candidate_query)

    def combine(
        self,
        signals: Tensor,
        agreement: Tensor,
        query_context: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Computes the part of the scores that is fitted.

        Args:
            signals: float [n, signals], from `signals`.
            agreement: float [n, dimension], from `signals.agreement`; which dimensions agree corrects their plain sum.
            query_context: float [queries, user features + 1], from `context`.
            candidate_features: float [n, item features].
            candidate_query: int64 [n].

        Returns:
            float [n, objectives].
        """
        scaled = (signals - self.mean) / self.deviation
        hidden = self.from_candidate(torch.cat([scaled, agreement, candidate_features], dim=1))
        hidden = hidden + self.from_query(query_context)[candidate_query]
        scores: Tensor = self.head(hidden) + signals[:, :1] * self.collaborative_scale
        return scores


def context(history: Tensor, user_features: Tensor) -> Tensor:
    """Returns the user features and the log of the history's length: float [queries, user features + 1]."""
    length = (history != PADDING).sum(dim=1, keepdim=True).to(user_features.dtype)
    return torch.cat([user_features, torch.log1p(length)], dim=1)
