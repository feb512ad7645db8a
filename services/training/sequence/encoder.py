"""The encoder of SASRec: a history becomes a user vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from services.training.sequence.attention import CausalAttentionBlock, visibility
from services.training.sequence.config import SasrecConfig

PADDING = -1


class SequenceEncoder(nn.Module):
    """Causal self-attention over a history with item embeddings tied to the output (SASRec, Kang & McAuley, ICDM 2018).

    It has no parameter of any one user, so that it serves people it was not trained on, and their newest events.
    Where a history has not begun yet stands a learned start state; it is also what somebody without a history gets.
    A user's liking for an item is the inner product of the user's state and the item's embedding.

    Args:
        items: Rows of the catalogue.
        config: Sizes and dropout.
        max_history: The longest history that it will be asked about.
    """

    def __init__(self, items: int, config: SasrecConfig, max_history: int) -> None:
        super().__init__()
        self.item_embedding = nn.Embedding(items, config.dimension)
        self.start = nn.Parameter(torch.zeros(config.dimension))
        self.blocks = nn.ModuleList(
            CausalAttentionBlock(config.dimension, config.heads, config.feedforward, max_history, config.dropout)
            for _ in range(config.blocks)
        )
        self.norm = nn.LayerNorm(config.dimension)
        self.dropout = nn.Dropout(config.dropout)
        self._initialise(config.dimension)

    def states(self, history: Tensor) -> Tensor:
        """Computes the user's state after each item.

        Args:
            history: int64 [rows, length] item rows, oldest first, padded on the left with -1.

        Returns:
            float [rows, length, dimension]; position p depends on items 0 to p alone.
        """
        states, mask = self._embed(history)
        for block in self.blocks:
            states = block(states, mask)
        normalised: Tensor = self.norm(states)
        return normalised

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Computes the user's state after the whole history.

        Args:
            history: int64 [rows, length] item rows, oldest first, padded on the left with -1.
            user_features: Not looked at.

        Returns:
            float [rows, dimension], the last position of `states` for a part of its cost.
        """
        states, mask = self._embed(history)
        for depth, block in enumerate(self.blocks, start=1):
            states = block(states, mask, last_only=depth == len(self.blocks))
        last: Tensor = self.norm(states[:, -1])
        return last

    def _embed(self, history: Tensor) -> tuple[Tensor, Tensor]:
        padded = history == PADDING
        embedded = torch.where(padded[..., None], self.start, self.item_embedding(history.clamp(min=0)))
        return self.dropout(embedded), visibility(padded)

    def _initialise(self, dimension: int) -> None:
        # States leave the last norm with length sqrt(dimension): this scale makes first logits of about 1/2.
        nn.init.normal_(self.item_embedding.weight, std=0.5 * dimension**-0.5)
        nn.init.normal_(self.start, std=0.5 * dimension**-0.5)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.05)
                nn.init.zeros_(module.bias)
