"""DeepFM: a factorisation machine and hidden layers over the same vectors."""

from __future__ import annotations

from torch import Tensor, nn

from services.training.ranking.fields import FieldEmbedding, FirstOrder
from services.training.ranking.fm import pairwise_products
from services.training.ranking.model import RankerFamily, RankerShape
from services.training.ranking.perceptron import DeepConfig, perceptron
from services.training.ranking.user_slots import UserFeatures


class DeepFm(nn.Module):
    """The sum of a factorisation machine and a perceptron, which share their vectors (Guo et al., IJCAI 2017).

    Args:
        shape: Of the data.
        config: Sizes.
    """

    def __init__(self, shape: RankerShape, config: DeepConfig) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(shape, config.dimension)
        self.first_order = FirstOrder(shape)
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
        fields = self.embedding(*asked)
        scores: Tensor = self.first_order(*asked) + pairwise_products(fields) + self.deep(fields.flatten(1))
        return scores


DEEPFM = RankerFamily(
    name="deepfm",
    summary="A factorisation machine and hidden layers over the same vectors (Guo et al., IJCAI 2017)",
    config=DeepConfig,
    build=DeepFm,
)
