"""Matrix factorisation for people who have no row: an inner product and a bias."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from services.training.ranking.fields import FirstOrder
from services.training.ranking.model import RankerFamily, RankerModelConfig, RankerShape
from services.training.ranking.person_item import PersonItem
from services.training.ranking.user_slots import UserFeatures


class MfConfig(RankerModelConfig):
    """Settings of matrix factorisation."""

    dimension: int = Field(default=64, ge=1, description="Length of the vectors of persons and items.")
    power: float = Field(
        default=0.5, ge=0, le=1, description="A history's sum is divided by this power of its length: 0 sum, 1 mean."
    )
    half_life: float = Field(
        default=0.0, ge=0, description="Items after which what was done counts half, in a mean beside; 0 for none."
    )


class MatrixFactorisation(nn.Module):
    """The inner product of a person and a candidate, and a linear part.

    Args:
        shape: Of the data; with several objectives each has a linear part of its own, and all share the inner product.
        config: Sizes.
    """

    def __init__(self, shape: RankerShape, config: MfConfig) -> None:
        super().__init__()
        self.vectors = PersonItem(shape, config.dimension, config.power, config.half_life)
        self.first_order = FirstOrder(shape)

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
        person, item = self.vectors(*asked)
        scores: Tensor = self.first_order(*asked) + (person * item).sum(dim=1, keepdim=True)
        return scores


MF = RankerFamily(
    name="mf",
    summary="The inner product of a person's history and an item (FISM: Kabbur et al., KDD 2013), and biases",
    config=MfConfig,
    build=MatrixFactorisation,
)
