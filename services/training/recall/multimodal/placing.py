"""Recall models whose item vectors follow from what an item is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from services.training.datasets import Item
from services.training.recall.model import RecallModel


class PlaceItems(Protocol):
    """Gives items their vectors."""

    def __call__(self, items: Sequence[Item]) -> npt.NDArray[np.float32]:
        """Returns float32 [items, dimension] for at least one item, from titles, categories, texts and images alone."""


@dataclass(frozen=True, slots=True, eq=False)
class ContentRecallModel(RecallModel):
    """A recall model that gives vectors to items that it was not fitted with too.

    Attributes:
        place: Gives the vectors. For an item of the catalogue, what `item_vectors` has.
    """

    place: PlaceItems = field(kw_only=True)
