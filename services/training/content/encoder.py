"""The encoder of models that place items by what describes them: a history becomes a query in the space of the items."""

from __future__ import annotations

from torch import Tensor, nn

from services.training.history import recency_mean


class ContentEncoder(nn.Module):
    """The recency-weighted mean of the history's content vectors.

    Args:
        vectors: float [items, dimension], the items' content vectors.
        half_life: Items after which a history item counts half as much.
    """

    vectors: Tensor

    def __init__(self, vectors: Tensor, half_life: float) -> None:
        super().__init__()
        self.half_life = half_life
        self.register_buffer("vectors", vectors)

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Computes the queries.

        Args:
            history: int64 [rows, length], oldest first, padded on the left with -1.
            user_features: Not looked at.

        Returns:
            float [rows, dimension]; zero for a row without items, about which content has nothing to say.
        """
        return recency_mean(history, self.vectors, self.half_life)
