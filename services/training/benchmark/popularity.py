"""The baseline that every model must beat: the same for everybody, the most popular first."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from services.training.recall.interaction_matrix import interaction_matrix
from services.training.recall.model import FitContext, ModelConfig, RecallData, RecallFamily, RecallModel


class PopularityConfig(ModelConfig):
    """Popularity has nothing to set."""


class SameForEverybody(nn.Module):
    """The number 1 as everybody's query."""

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Computes the queries, float [queries, 1]; `RecallModel.encoder` has the shapes."""
        return torch.ones(history.shape[0], 1)


def fit_popularity(data: RecallData, config: PopularityConfig, context: FitContext) -> RecallModel:  # noqa: ARG001
    """Counts how many people met each item."""
    counts = interaction_matrix(data.events, len(data.items)).sum(axis=0)
    return RecallModel(SameForEverybody().eval(), np.asarray(counts, dtype=np.float32)[:, None])


POPULARITY = RecallFamily(
    name="popularity",
    summary="How many people met an item, the same for everybody: the baseline",
    config=PopularityConfig,
    fit=fit_popularity,
)
