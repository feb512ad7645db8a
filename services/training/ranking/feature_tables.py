"""The features of everybody and everything, as tensors."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTables:
    """The features of everybody and everything, by row.

    Attributes:
        users: float [users, user features].
        items: float [items, item features].
    """

    users: Tensor
    items: Tensor
