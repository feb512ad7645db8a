"""How a history is summarised without any learning: newer items count more."""

from __future__ import annotations

import torch
from torch import Tensor

from services.training.sequence.encoder import PADDING


def recency_weights(history: Tensor, half_life: float) -> Tensor:
    """Weights that fall by half every `half_life` items and sum to 1 over the real items.

    Args:
        history: int64 [rows, length], oldest first, padded on the left with -1.
        half_life: In items.

    Returns:
        float [rows, length]; 0 at padding, and all 0 for a row without items.
    """
    length = history.shape[1]
    age = length - 1 - torch.arange(length, device=history.device)
    weights = torch.exp2(-age.to(torch.float32) / half_life) * (history != PADDING)
    return weights / weights.sum(dim=1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)


def recency_mean(history: Tensor, vectors: Tensor, half_life: float) -> Tensor:
    """Mean of the items' vectors under `recency_weights`; zero for a row without items.

    Args:
        history: int64 [rows, length], oldest first, padded on the left with -1.
        vectors: float [items, dimension].
        half_life: In items.

    Returns:
        float [rows, dimension].
    """
    weights = recency_weights(history, half_life)
    return torch.matmul(weights[:, None, :], vectors[history.clamp(min=0)]).squeeze(1)
