"""Wide & Deep: weights for what was seen together, and hidden layers for what was not."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from services.training.ranking.fields import FieldEmbedding, FirstOrder
from services.training.ranking.missing_ids import is_withheld
from services.training.ranking.model import RankerFamily, RankerShape
from services.training.ranking.perceptron import DeepConfig, perceptron
from services.training.ranking.user_slots import UserFeatures
from services.training.sequence.encoder import PADDING

# A prime, so that pairs spread over the weights whatever their number is.
_SPREAD = 1_000_003


class WideDeepConfig(DeepConfig):
    """Settings of Wide & Deep."""

    crosses: int = Field(
        default=1 << 16, ge=1, description="Weights for pairs of an item of the history and the candidate, by hash."
    )


class WideDeep(nn.Module):
    """The sum of a linear model over fields and pairs, and a perceptron (Cheng et al., DLRS 2016).

    The pairs are those of the paper: something that the user has, and the candidate. A pair's weight is found by a hash, and
    the pairs of a candidate count by their mean, so that a long history weighs no more than a short one.

    Args:
        shape: Of the data.
        config: Sizes.
    """

    def __init__(self, shape: RankerShape, config: WideDeepConfig) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(shape, config.dimension)
        self.first_order = FirstOrder(shape)
        self.crosses = nn.Embedding(config.crosses, len(shape.objectives))
        nn.init.zeros_(self.crosses.weight)
        self.deep = perceptron(self.embedding.fields * config.dimension, len(shape.objectives), config)

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
        wide = self.first_order(*asked) + self._crossed(history[candidate_query], candidates)
        scores: Tensor = wide + self.deep(self.embedding(*asked).flatten(1))
        return scores

    def _crossed(self, histories: Tensor, candidates: Tensor) -> Tensor:
        """Mean weight of the pairs: float [n, objectives]; `histories` are those of the candidates, int64 [n, length]."""
        known = histories != PADDING
        if self.training:
            known = known & ~is_withheld(candidates)[:, None]
        places = (histories.clamp(min=0) * _SPREAD + candidates[:, None]) % self.crosses.num_embeddings
        total = (self.crosses(places) * known[..., None]).sum(dim=1)
        mean: Tensor = total / known.sum(dim=1, keepdim=True).clamp(min=1).to(torch.float32)
        return mean


WIDE_DEEP = RankerFamily(
    name="wide_deep",
    summary="A linear model over fields and pairs of items, and hidden layers (Cheng et al., DLRS 2016)",
    config=WideDeepConfig,
    build=WideDeep,
)
