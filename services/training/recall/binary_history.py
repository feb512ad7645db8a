"""Encoders of models that see which items a history has, and not how often each came."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from services.training.sequence.encoder import PADDING


class MultiHotEncoder(nn.Module):
    """The history itself: 1 for each item that it has, 0 for the others.

    Args:
        items: Rows of the catalogue.
    """

    def __init__(self, items: int) -> None:
        super().__init__()
        self.items = items

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Computes the queries, float [queries, items]; `RecallModel.encoder` has the shapes."""
        # Padding goes to a column of its own, which is cut off.
        places = torch.where(history == PADDING, self.items, history)
        hot = torch.zeros(history.shape[0], self.items + 1).scatter(1, places, 1.0)
        return hot[:, : self.items]


class BinaryHistoryEncoder(nn.Module):
    """The sum of a vector for each distinct item of the history.

    Args:
        vectors: float [items, dimension].
        recency: An item counts its age to minus this power, where the newest event is 1 old; 0 sees no order.
    """

    vectors: Tensor

    def __init__(self, vectors: Tensor, recency: float = 0.0) -> None:
        super().__init__()
        self.recency = recency
        self.register_buffer("vectors", vectors)

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Computes the queries; `RecallModel.encoder` has the shapes. Zero for an empty history."""
        weights = recency_powers(history, self.recency) if self.recency else first_places(history)
        return torch.matmul(weights[:, None, :], self.vectors[history.clamp(min=0)]).squeeze(1)


def first_places(history: Tensor) -> Tensor:
    """Returns 1 at the first place of each distinct item, 0 elsewhere and at padding: float32 [queries, length]."""
    same = history[:, :, None] == history[:, None, :]
    earlier = torch.tril(torch.ones_like(same[0], dtype=torch.bool), diagonal=-1)
    repeated = (same & earlier).any(dim=2)
    return (~repeated & (history != PADDING)).to(torch.float32)


def recency_powers(history: Tensor, exponent: float) -> Tensor:
    """Returns age to minus a power at the last place of each distinct item, 0 elsewhere and at padding.

    Args:
        history: int64 [queries, length], oldest first, padded on the left with -1: the last place is 1 old.
        exponent: Of the age.

    Returns:
        float32 [queries, length].
    """
    age = history.shape[1] - torch.arange(history.shape[1], device=history.device)
    # Seen from the newest end, an item's last place is its first.
    return first_places(history.flip(1)).flip(1) * age.to(torch.float32) ** -exponent
