"""Both towers: items by id and content, people by history and attributes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from services.training.history import recency_weights
from services.training.recall.two_tower.config import TwoTowerConfig
from services.training.sequence.encoder import PADDING


class ItemTower(nn.Module):
    """Items by an embedding of their own and by their content.

    Args:
        content: float [items, width].
        known: bool [items], which items have events to learn an embedding from; the others never have one.
        config: Sizes and the share of embeddings that training goes without.
    """

    content: Tensor
    known: Tensor

    def __init__(self, content: Tensor, known: Tensor, config: TwoTowerConfig) -> None:
        super().__init__()
        self.register_buffer("content", content)
        self.register_buffer("known", known.to(torch.float32))
        self.id_dropout = config.id_dropout
        self.ids = nn.Embedding(len(content), config.dimension)
        self.from_content = nn.Linear(content.shape[1], config.dimension)
        self.hidden = nn.Sequential(
            nn.Linear(config.dimension, config.hidden), nn.ReLU(), nn.Linear(config.hidden, config.dimension)
        )
        nn.init.normal_(self.ids.weight, std=config.dimension**-0.5)

    def embed(self, rows: Tensor) -> Tensor:
        """Returns what stands for catalogue items in histories and at the foot of this tower: float [n, dimension].

        In training some go without their own embedding (Volkovs et al., "DropoutNet", NeurIPS 2017), so that content
        alone comes to mean as much as it can.
        """
        own = self.known[rows]
        if self.training:
            # Not scaled up where it is kept: an item either has an embedding or not, in serving too.
            own = own * (torch.rand(len(rows)) >= self.id_dropout)
        embedded: Tensor = self.embed_content(self.content[rows]) + own[:, None] * self.ids(rows)
        return embedded

    def embed_content(self, content: Tensor) -> Tensor:
        """Returns the same for content alone, float [n, width]."""
        embedded: Tensor = self.from_content(content)
        return embedded

    def forward(self, embedded: Tensor) -> Tensor:
        """Returns item vectors of length 1: float [n, dimension]."""
        return normalize(embedded + self.hidden(embedded))


class UserTower(nn.Module):
    """People by the mean of their history, its newest part and their attributes.

    Args:
        user_features: How many there are.
        config: Sizes, and how soon a history's items count less.
    """

    def __init__(self, user_features: int, config: TwoTowerConfig) -> None:
        super().__init__()
        self.half_life = config.half_life
        self.temperature = config.temperature
        self.hidden = nn.Sequential(
            nn.Linear(2 * config.dimension + user_features, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.dimension),
        )

    def forward(self, mean: Tensor, newest: Tensor, user_features: Tensor) -> Tensor:
        """Returns queries of length 1 / temperature: float [..., dimension].

        Args:
            mean: float [..., dimension], of the history's embedded items; zero without a history.
            newest: float [..., dimension], of the same with a weight that falls with age.
            user_features: float [..., user features], zeros for somebody unknown.
        """
        return normalize(self.hidden(torch.cat([mean, newest, user_features], dim=-1)), dim=-1) / self.temperature

    def weights(self, history: Tensor) -> Tensor:
        """Returns both weights of each item, the even one and the one that falls with age: float [rows, 2, length]."""
        shown = (history != PADDING).to(torch.float32)
        even = shown / shown.sum(dim=1, keepdim=True).clamp(min=1.0)
        return torch.stack([even, recency_weights(history, self.half_life)], dim=1)

    def weights_after_each(self, history: Tensor) -> Tensor:
        """Returns the weights of items 0 to p for every position p: float [rows, 2, length (p), length]."""
        length = history.shape[1]
        age = torch.arange(length)[:, None] - torch.arange(length)[None, :]
        shown = ((age >= 0)[None] & (history != PADDING)[:, None, :]).to(torch.float32)
        fading = shown * torch.exp2(-age.clamp(min=0) / self.half_life)
        both = torch.stack([shown, fading], dim=1)
        return both / both.sum(dim=3, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
