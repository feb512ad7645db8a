"""Rankers that can do without the id of a candidate, because now and then they were fitted without it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# A withheld row r is written so much below 0 as it is above: -2 - r. That is no `PADDING`, and r can be had again.
_WITHHELD = -2


class ItemIds(nn.Embedding):
    """A vector for each item of the catalogue as a candidate, and zeros for one that is withheld, which only fitting does."""

    def forward(self, candidates: Tensor) -> Tensor:
        """Returns the vectors: float [..., dimension]; `candidates` are int64 [...]."""
        if not self.training:
            return super().forward(candidates)
        return super().forward(candidates.clamp(min=0)) * ~is_withheld(candidates)[..., None]


def is_withheld(candidates: Tensor) -> Tensor:
    """Returns of which candidates a model must not know who they are: bool [...]."""
    return candidates <= _WITHHELD


def rows_of(candidates: Tensor) -> Tensor:
    """Returns the rows of candidates, withheld or not, for what is no knowledge of the candidate: int64 [...]."""
    return torch.where(is_withheld(candidates), _WITHHELD - candidates, candidates)


class WithheldIds(nn.Module):
    """Keeps a model from knowing who some of the candidates are while it is fitted, so that their features must do.

    What is new or rare has features from its first day on and learns its vector late (DropoutNet: Volkovs, Yu & Poutanen,
    NIPS 2017, which withholds whole vectors of users and items alike). Vectors begin as zeros, so that an item that was no
    candidate while fitting has the one that stands for nobody.

    Args:
        model: As `BuildRanker` makes it.
        share: Of the candidates, above 0 and below 1.
    """

    def __init__(self, model: nn.Module, share: float) -> None:
        super().__init__()
        self.model = model
        self.share = share
        for table in _tables(model):
            nn.init.zeros_(table.weight)

    def forward(
        self,
        history: Tensor,
        user_features: Tensor,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Scores candidates; `BuildRanker` has the shapes."""
        if self.training:
            withheld = torch.rand(candidates.shape, device=candidates.device) < self.share
            candidates = torch.where(withheld, _WITHHELD - candidates, candidates)
        scores: Tensor = self.model(history, user_features, candidates, candidate_features, candidate_query)
        return scores


def knows_ids(model: nn.Module) -> bool:
    """Returns whether a model has vectors of its own for the items."""
    return bool(_tables(model))


def _tables(model: nn.Module) -> list[ItemIds]:
    return [module for module in model.modules() if isinstance(module, ItemIds)]
