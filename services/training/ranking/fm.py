"""The factorisation machine: every two fields meet by the inner product of their vectors."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from services.training.ranking.fields import FieldEmbedding, FirstOrder
from services.training.ranking.model import RankerFamily, RankerModelConfig, RankerShape
from services.training.ranking.user_slots import UserFeatures


class FmConfig(RankerModelConfig):
    """Settings of a factorisation machine."""

    dimension: int = Field(default=16, ge=1, description="Length of the vectors of fields.")


class FactorisationMachine(nn.Module):
    """A linear part and the inner products of all pairs of fields (Rendle, ICDM 2010).

    With several objectives each has a linear part of its own, and all share the inner products.

    Args:
        shape: Of the data.
        config: Sizes.
    """

    def __init__(self, shape: RankerShape, config: FmConfig) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(shape, config.dimension)
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
        linear: Tensor = self.first_order(*asked)
        return linear + pairwise_products(self.embedding(*asked))


def pairwise_products(fields: Tensor) -> Tensor:
    """Returns the sum of the inner products of all pairs of fields, in time that grows with their number alone.

    Args:
        fields: float [n, fields, dimension].

    Returns:
        float [n, 1].
    """
    doubled = fields.sum(dim=1).square() - fields.square().sum(dim=1)
    return 0.5 * doubled.sum(dim=1, keepdim=True)


FM = RankerFamily(
    name="fm",
    summary="A linear part and the inner products of all pairs of fields (Rendle, ICDM 2010)",
    config=FmConfig,
    build=FactorisationMachine,
)
