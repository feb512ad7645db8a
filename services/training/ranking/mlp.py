"""A perceptron over the vectors of all fields."""

from __future__ import annotations

from torch import Tensor, nn

from services.training.ranking.fields import FieldEmbedding
from services.training.ranking.model import RankerFamily, RankerShape
from services.training.ranking.perceptron import DeepConfig, perceptron
from services.training.ranking.user_slots import UserFeatures


class FieldPerceptron(nn.Module):
    """Hidden layers over the vectors of all fields, side by side (Covington et al., RecSys 2016, their ranking network).

    Args:
        shape: Of the data.
        config: Sizes.
    """

    def __init__(self, shape: RankerShape, config: DeepConfig) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(shape, config.dimension)
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
        fields = self.embedding(history, user_features, candidates, candidate_features, candidate_query)
        scores: Tensor = self.deep(fields.flatten(1))
        return scores


MLP = RankerFamily(
    name="mlp",
    summary="Hidden layers over the vectors of all fields (Covington et al., RecSys 2016)",
    config=DeepConfig,
    build=FieldPerceptron,
)
