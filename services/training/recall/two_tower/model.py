"""Both towers as they are fitted and as they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from services.training.datasets import Item
from services.training.recall.model import RecallData
from services.training.recall.two_tower.config import TwoTowerConfig
from services.training.recall.two_tower.content import ItemContent
from services.training.recall.two_tower.loss import in_batch_softmax
from services.training.recall.two_tower.towers import ItemTower, UserTower
from services.training.sequence.encoder import PADDING

_ITEMS_AT_A_TIME = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class WindowBatch:
    """Some windows and whose they are.

    Attributes:
        history: int64 [windows, length] item rows, padded on the left with -1.
        target: int64 [windows, length], the item after each position; -1 where there is none.
        people: int64 [windows], rows of users.
        user_features: float [windows, user features].
    """

    history: Tensor
    target: Tensor
    people: Tensor
    user_features: Tensor


class TwoTowers(nn.Module):
    """Both towers, fitted together.

    Args:
        data: What they learn from.
        content: Of the catalogue.
        config: Sizes and what is hidden.
    """

    _log_share: Tensor

    def __init__(self, data: RecallData, content: ItemContent, config: TwoTowerConfig) -> None:
        super().__init__()
        counts = np.bincount(data.events.items, minlength=len(data.items))
        self.item = ItemTower(torch.as_tensor(content.matrix), torch.as_tensor(counts > 0), config)
        self.user = UserTower(data.user_features.shape[1], config)
        self.attribute_dropout = config.attribute_dropout
        log_share = torch.as_tensor(np.log(np.maximum(counts, 1) / counts.sum()), dtype=torch.float32)
        self.register_buffer("_log_share", log_share, persistent=False)

    def loss(self, batch: WindowBatch) -> Tensor:
        """Returns the mean loss of all events of some windows; see `in_batch_softmax`."""
        asked = batch.target != PADDING
        targets = batch.target[asked]
        # Each item once: it is with its embedding or without it wherever the batch has it.
        occurring = torch.cat([batch.history.clamp(min=0).flatten(), targets])
        rows, places = torch.unique(occurring, return_inverse=True)
        embedded = self.item.embed(rows)
        in_history, as_target = places.split([batch.history.numel(), len(targets)])
        queries = self.queries(batch, embedded[in_history].reshape(*batch.history.shape, -1))[asked]
        logits = queries @ self.item(embedded)[as_target].T
        people = batch.people[:, None].expand_as(batch.target)[asked]
        return in_batch_softmax(logits, targets, people, self._log_share[targets])

    def queries(self, batch: WindowBatch, embedded: Tensor) -> Tensor:
        """Returns the query after each position: float [windows, length, dimension].

        Args:
            batch: The windows.
            embedded: float [windows, length, dimension], the embedded items of their histories.
        """
        mean, newest = (self.user.weights_after_each(batch.history) @ embedded[:, None]).unbind(dim=1)
        features = batch.user_features
        if self.training:
            features = features * (torch.rand(len(features), 1) >= self.attribute_dropout)
        queries: Tensor = self.user(mean, newest, features[:, None, :].expand(-1, mean.shape[1], -1))
        return queries

    def tables(self) -> tuple[Tensor, Tensor]:
        """Returns every item embedded, and its vector: float [items, dimension] each."""
        with torch.no_grad():
            embedded = torch.cat(
                [self.item.embed(rows) for rows in torch.split(torch.arange(len(self.item.known)), _ITEMS_AT_A_TIME)]
            )
            return embedded, torch.cat([self.item(part) for part in torch.split(embedded, _ITEMS_AT_A_TIME)])


class TwoTowerEncoder(nn.Module):
    """The user tower over the items of a history as training left them.

    Args:
        towers: Fitted, in evaluation mode.
        embedded: float [items, dimension], from `TwoTowers.tables`.
        content: Of the catalogue.
    """

    embedded: Tensor

    def __init__(self, towers: TwoTowers, embedded: Tensor, content: ItemContent) -> None:
        super().__init__()
        self.register_buffer("embedded", embedded)
        self.user = towers.user
        self._item = (towers.item, content)  # in a tuple, for a graph of this module has no use for it

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:
        """Computes the queries; `RecallModel.encoder` has the shapes."""
        mean, newest = torch.matmul(self.user.weights(history), self.embedded[history.clamp(min=0)]).unbind(dim=1)
        query: Tensor = self.user(mean, newest, user_features)
        return query

    def vectors_of(self, items: Sequence[Item], item_features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Gives items that were not trained on their place among the others, by content alone.

        Args:
            items: New ones, or known ones as if they were new.
            item_features: float32 [items, item features], normalised as those of the catalogue.

        Returns:
            float32 [items, dimension], comparable with `RecallModel.item_vectors`.
        """
        tower, content = self._item
        with torch.no_grad():
            vectors: Tensor = tower(tower.embed_content(torch.as_tensor(content.of(items, item_features))))
        placed: npt.NDArray[np.float32] = vectors.numpy()
        return placed
