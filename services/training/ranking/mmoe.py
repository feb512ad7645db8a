"""Several objectives on shared layers: a shared bottom, or experts that each objective mixes for itself."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from services.training.ranking.fields import FieldEmbedding
from services.training.ranking.model import RankerFamily, RankerShape
from services.training.ranking.perceptron import DeepConfig, hidden_layers
from services.training.ranking.user_slots import UserFeatures


class TowersConfig(DeepConfig):
    """Settings of models with a tower for each objective."""

    tower: int = Field(default=32, ge=1, description="Width of the hidden layer of each objective's own tower.")


class MmoeConfig(TowersConfig):
    """Settings of the multi-gate mixture of experts."""

    experts: int = Field(default=4, ge=1, description="Stacks of hidden layers that the objectives mix.")


class SharedBottom(nn.Module):
    """Hidden layers that all objectives share, and a tower for each (Caruana, Machine Learning 1997).

    Args:
        shape: Of the data.
        config: Sizes.
    """

    def __init__(self, shape: RankerShape, config: TowersConfig) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(shape, config.dimension)
        self.bottom = hidden_layers(self.embedding.fields * config.dimension, config)
        self.towers = nn.ModuleList(_tower(config) for _ in shape.objectives)

    def forward(
        self,
        history: Tensor,
        user_features: UserFeatures,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Scores candidates; `BuildRanker` has the shapes."""
        fields = self.embedding(history, user_features, candidates, candidate_features, candidate_query)
        bottom = self.bottom(fields.flatten(1))
        return torch.cat([tower(bottom) for tower in self.towers], dim=1)


class MixtureOfExperts(nn.Module):
    """Experts, of which each objective has a mixture chosen by a gate of its own, and a tower (Ma et al., KDD 2018).

    Args:
        shape: Of the data.
        config: Sizes.
    """

    def __init__(self, shape: RankerShape, config: MmoeConfig) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(shape, config.dimension)
        width = self.embedding.fields * config.dimension
        self.experts = nn.ModuleList(hidden_layers(width, config) for _ in range(config.experts))
        self.gates = nn.ModuleList(nn.Linear(width, config.experts) for _ in shape.objectives)
        self.towers = nn.ModuleList(_tower(config) for _ in shape.objectives)

    def forward(
        self,
        history: Tensor,
        user_features: UserFeatures,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Scores candidates; `BuildRanker` has the shapes."""
        fields = self.embedding(history, user_features, candidates, candidate_features, candidate_query).flatten(1)
        said = torch.stack([expert(fields) for expert in self.experts], dim=1)
        scores = []
        for gate, tower in zip(self.gates, self.towers, strict=True):
            mixed = torch.matmul(gate(fields).softmax(dim=1)[:, None], said).squeeze(1)
            scores.append(tower(mixed))
        return torch.cat(scores, dim=1)


def _tower(config: TowersConfig) -> nn.Sequential:
    return nn.Sequential(nn.Linear(config.hidden[-1], config.tower), nn.ReLU(), nn.Linear(config.tower, 1))


SHARED_BOTTOM = RankerFamily(
    name="shared_bottom",
    summary="Hidden layers that all objectives share, and a tower for each (Caruana, Machine Learning 1997)",
    config=TowersConfig,
    build=SharedBottom,
)

MMOE = RankerFamily(
    name="mmoe",
    summary="Experts that each objective mixes by a gate of its own (Ma et al., KDD 2018)",
    config=MmoeConfig,
    build=MixtureOfExperts,
)
