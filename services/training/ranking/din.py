"""The deep interest network: the candidate chooses which items of the history count."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from services.training.ranking.fields import FieldEmbedding
from services.training.ranking.model import RankerFamily, RankerShape
from services.training.ranking.perceptron import DeepConfig, perceptron
from services.training.ranking.user_slots import UserFeatures
from services.training.sequence.encoder import PADDING


class DinConfig(DeepConfig):
    """Settings of the deep interest network."""

    attention_hidden: int = Field(default=32, ge=1, description="Width of the hidden layer that weighs items.")
    attention_items: int = Field(default=50, ge=1, description="Newest items of the history that are weighed.")


class InterestAttention(nn.Module):
    """Sums the items of a history by weights that the candidate gives them, which need not sum to 1, as in the paper.

    Args:
        dimension: Of the vectors.
        hidden: Width of the hidden layer.
    """

    def __init__(self, dimension: int, hidden: int) -> None:
        super().__init__()
        # What the paper's unit is shown: item, candidate, their difference and their product. A linear layer over all four is
        # the sum of a layer over each, and those over the candidate alone need no copy for each item of the history.
        self.from_item = nn.Linear(dimension, hidden)
        self.from_candidate = nn.Linear(dimension, hidden, bias=False)
        self.from_product = nn.Linear(dimension, hidden, bias=False)
        self.activation = nn.PReLU(hidden)
        self.weight = nn.Linear(hidden, 1)

    def forward(self, items: Tensor, known: Tensor, candidate: Tensor) -> Tensor:
        """Returns the interest of each candidate.

        Args:
            items: float [n, length, dimension], the items of each candidate's history.
            known: bool [n, length], False at padding.
            candidate: float [n, dimension].

        Returns:
            float [n, dimension], zeros where nothing is known.
        """
        target = candidate[:, None]
        seen = self.from_item(items) + self.from_candidate(target) + self.from_product(items * target)
        weights = self.weight(self.activation(seen.flatten(0, 1))).reshape(known.shape)
        weights = torch.where(known, weights, 0.0)
        return torch.matmul(weights[:, None], items).squeeze(1)


class DeepInterest(nn.Module):
    """Hidden layers over the fields and the interest that the candidate finds in the history (Zhou et al., KDD 2018).

    Items of the history and candidates share their vectors, as in the paper.

    Args:
        shape: Of the data.
        config: Sizes.
    """

    def __init__(self, shape: RankerShape, config: DinConfig) -> None:
        super().__init__()
        self.attention_items = config.attention_items
        self.embedding = FieldEmbedding(shape, config.dimension)
        self.attention = InterestAttention(config.dimension, config.attention_hidden)
        self.deep = perceptron((self.embedding.fields + 2) * config.dimension, len(shape.objectives), config)

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
        candidate = self.embedding.items(candidates)
        newest = history[:, -self.attention_items :]
        items = self.embedding.items(newest.clamp(min=0))[candidate_query]
        interest = self.attention(items, (newest != PADDING)[candidate_query], candidate)
        scores: Tensor = self.deep(torch.cat([fields.flatten(1), interest, interest * candidate], dim=1))
        return scores


DIN = RankerFamily(
    name="din",
    summary="The candidate weighs the items of the history (Zhou et al., KDD 2018)",
    config=DinConfig,
    build=DeepInterest,
)
