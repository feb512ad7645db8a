"""Neural matrix factorisation: a weighted inner product beside hidden layers."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from services.training.ranking.model import RankerFamily, RankerShape
from services.training.ranking.perceptron import DeepConfig, hidden_layers
from services.training.ranking.person_item import PersonItem
from services.training.ranking.user_slots import UserFeatures


class NeuMfConfig(DeepConfig):
    """Settings of neural matrix factorisation."""

    dimension: int = Field(default=32, ge=1, description="Length of the vectors of persons and items, of either kind.")
    power: float = Field(
        default=0.5, ge=0, le=1, description="A history's sum is divided by this power of its length: 0 sum, 1 mean."
    )
    half_life: float = Field(
        default=0.0, ge=0, description="Items after which what was done counts half, in a mean beside; 0 for none."
    )


class NeuMf(nn.Module):
    """Generalised matrix factorisation and a perceptron, each with vectors of its own (He et al., WWW 2017).

    A person is what they did (`PersonItem`), where the paper has a row for each user.

    Args:
        shape: Of the data.
        config: Sizes.
    """

    def __init__(self, shape: RankerShape, config: NeuMfConfig) -> None:
        super().__init__()
        self.factors = PersonItem(shape, config.dimension, config.power, config.half_life)
        self.inputs = PersonItem(shape, config.dimension, config.power, config.half_life)
        self.deep = hidden_layers(2 * config.dimension, config)
        self.last = nn.Linear(config.dimension + config.hidden[-1], len(shape.objectives))
        # It begins as an inner product, of which there is something to learn at once; the paper fits one beforehand.
        nn.init.ones_(self.last.weight[:, : config.dimension])

    def forward(
        self,
        history: Tensor,
        user_features: UserFeatures,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Scores candidates; `BuildRanker` has the shapes."""
        asked = (history, user_features, candidates, candidate_features, candidate_query)
        person, item = self.factors(*asked)
        deep = self.deep(torch.cat(self.inputs(*asked), dim=1))
        scores: Tensor = self.last(torch.cat([person * item, deep], dim=1))
        return scores


NEUMF = RankerFamily(
    name="neumf",
    summary="A weighted inner product beside hidden layers (He et al., WWW 2017)",
    config=NeuMfConfig,
    build=NeuMf,
)
