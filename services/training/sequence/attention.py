"""Causal self-attention in which a position knows only how long ago another one was."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Finite, so that a row without a single visible position still has a defined softmax.
_HIDDEN = -1e9


def visibility(padded: Tensor) -> Tensor:
    """What each position may attend to, as an additive mask.

    A position sees itself and the real items before it. Padding therefore influences no real item and yet has
    something to attend to: itself.

    Args:
        padded: bool [rows, length], True where there is no item.

    Returns:
        float [rows, 1, length, length], 0 where the position (second to last axis) may look, else hugely negative.
    """
    positions = torch.arange(padded.shape[1], device=padded.device)
    earlier = positions[None, :] < positions[:, None]
    itself = positions[None, :] == positions[:, None]
    visible = (earlier[None] & ~padded[:, None, :]) | itself[None]
    return torch.where(visible, 0.0, _HIDDEN)[:, None]


class CausalAttentionBlock(nn.Module):
    """One pre-norm Transformer block with a learned bias for each head and distance.

    Biases by distance (Shaw et al., NAACL 2018; in the scalar form of Raffel et al., JMLR 2020) instead of position
    embeddings: what a position computes is the same wherever in the window it stands.

    Args:
        dimension: Width of the states.
        heads: Attention heads; must divide `dimension`.
        feedforward: Width of the feed-forward layer.
        max_distance: Distances from here on share one bias.
        dropout: On what attention and the feed-forward layer add.
    """

    def __init__(self, dimension: int, heads: int, feedforward: int, max_distance: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(dimension)
        self.query = nn.Linear(dimension, dimension)
        self.key_value = nn.Linear(dimension, 2 * dimension)
        self.output = nn.Linear(dimension, dimension)
        self.distance_bias = nn.Parameter(torch.zeros(heads, max_distance))
        self.feedforward_norm = nn.LayerNorm(dimension)
        self.expand = nn.Linear(dimension, feedforward)
        self.contract = nn.Linear(feedforward, dimension)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, mask: Tensor, last_only: bool = False) -> Tensor:
        """Computes the next layer's states.

        Args:
            states: float [rows, length, dimension].
            mask: From `visibility`.
            last_only: Whether to compute the last position alone, which is all that serving needs of the last block.

        Returns:
            float [rows, length or 1, dimension].
        """
        context = self.attention_norm(states)
        bias = self._bias_by_distance(states.shape[1]) + mask
        if last_only:
            states, bias = states[:, -1:], bias[:, :, -1:]
        query = self._split_heads(self.query(context[:, -1:] if last_only else context))
        key, value = self.key_value(context).chunk(2, dim=-1)
        agreement = query @ self._split_heads(key).transpose(2, 3) * query.shape[3] ** -0.5
        attended = torch.softmax(agreement + bias, dim=3) @ self._split_heads(value)
        states = states + self.dropout(self.output(attended.transpose(1, 2).contiguous().flatten(2)))
        hidden = nn.functional.gelu(self.expand(self.feedforward_norm(states)))
        updated: Tensor = states + self.dropout(self.contract(hidden))
        return updated

    def _bias_by_distance(self, length: int) -> Tensor:
        positions = torch.arange(length, device=self.distance_bias.device)
        distance = (positions[:, None] - positions[None, :]).clamp(0, self.distance_bias.shape[1] - 1)
        return self.distance_bias[:, distance]

    def _split_heads(self, states: Tensor) -> Tensor:
        rows, length, dimension = states.shape
        return states.reshape(rows, length, self.heads, dimension // self.heads).transpose(1, 2)
