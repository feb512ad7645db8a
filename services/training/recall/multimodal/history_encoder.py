"""From the vectors of a history's items to a query."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from services.training.recall.multimodal.config import TowerConfig
from services.training.sequence.attention import CausalAttentionBlock, visibility
from services.training.sequence.encoder import PADDING


class HistoryEncoder(nn.Module):
    """Causal attention over the vectors of the history's items; an empty history is a learned start.

    It has no parameter of a person or of an item: whatever has a vector can stand in a history.

    Args:
        config: Sizes and dropout.
    """

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.zeros(config.dimension))
        self.block = CausalAttentionBlock(
            config.dimension, config.heads, 2 * config.dimension, config.window, config.dropout
        )
        self.norm = nn.LayerNorm(config.dimension)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, history: Tensor, vectors: Tensor, last_only: bool = False) -> Tensor:
        """Computes what is wanted after each item.

        Args:
            history: int64 [rows, length] rows of `vectors`, oldest first, padded on the left with -1.
            vectors: float [items, dimension].
            last_only: Whether to compute the last position alone.

        Returns:
            float [rows, length or 1, dimension]; position p depends on items 0 to p alone.
        """
        padded = history == PADDING
        embedded = torch.where(padded[..., None], self.start, vectors[history.clamp(min=0)])
        states: Tensor = self.norm(self.block(self.dropout(embedded), visibility(padded), last_only=last_only))
        return states


class CatalogueEncoder(nn.Module):
    """A history encoder with the vectors of a catalogue: what is exported.

    Args:
        encoder: Fitted.
        vectors: float [items, dimension].
    """

    vectors: Tensor

    def __init__(self, encoder: HistoryEncoder, vectors: Tensor) -> None:
        super().__init__()
        self.encoder = encoder
        self.register_buffer("vectors", vectors)

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Computes the queries; `RecallModel.encoder` has the shapes."""
        states: Tensor = self.encoder(history, self.vectors, last_only=True)
        return states[:, -1]
