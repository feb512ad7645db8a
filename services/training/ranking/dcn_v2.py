"""DCN-V2: layers that multiply features with one another, beside hidden layers."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from services.training.ranking.fields import FieldEmbedding
from services.training.ranking.model import RankerFamily, RankerShape
from services.training.ranking.perceptron import DeepConfig, hidden_layers
from services.training.ranking.user_slots import UserFeatures


class DcnV2Config(DeepConfig):
    """Settings of DCN-V2."""

    cross_layers: int = Field(
        default=2, ge=1, description="Cross layers; n of them make products of up to n + 1 numbers."
    )


class CrossNetwork(nn.Module):
    """Each layer multiplies what went into the network by a linear function of what comes so far, and adds that.

    Args:
        width: Of what goes in and comes out.
        layers: How many.
    """

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns the products: float [n, width]."""
        crossed = inputs
        for layer in self.layers:
            crossed = inputs * layer(crossed) + crossed
        return crossed


class DcnV2(nn.Module):
    """A cross network of full matrices beside hidden layers, in parallel (Wang et al., WWW 2021).

    Args:
        shape: Of the data.
        config: Sizes.
    """

    def __init__(self, shape: RankerShape, config: DcnV2Config) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(shape, config.dimension)
        width = self.embedding.fields * config.dimension
        self.cross = CrossNetwork(width, config.cross_layers)
        self.deep = hidden_layers(width, config)
        self.last = nn.Linear(width + config.hidden[-1], len(shape.objectives))

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
        scores: Tensor = self.last(torch.cat([self.cross(fields), self.deep(fields)], dim=1))
        return scores


DCN_V2 = RankerFamily(
    name="dcn_v2",
    summary="Layers that multiply features with one another, beside hidden layers (Wang et al., WWW 2021)",
    config=DcnV2Config,
    build=DcnV2,
)
