"""Whole histories as sets of items, for models that are shown all that somebody met at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from services.training.datasets import Sequences
from services.training.recall.interaction_matrix import interaction_matrix


@dataclass(frozen=True, slots=True, eq=False)
class SetBatch:
    """The distinct items of some people.

    Attributes:
        items: int64 [n], person after person.
        offsets: int64 [people], where in `items` each person begins.
        lengths: int64 [people], how many items each has; at least 1.
    """

    items: Tensor
    offsets: Tensor
    lengths: Tensor

    def owners(self) -> Tensor:
        """Returns whose each item is: int64 [n], rows of the batch."""
        return torch.repeat_interleave(torch.arange(len(self.lengths), device=self.lengths.device), self.lengths)

    def share(self, number: int, parts: int) -> tuple[SetBatch, int]:
        """Returns every `parts`-th person, from that number on, and how many they are."""
        lengths = self.lengths[number::parts]
        items = self.items[self.owners() % parts == number]
        return SetBatch(items, lengths.cumsum(0) - lengths, lengths), len(lengths)


class HistorySets:
    """What everybody who met anything met, each item once.

    Args:
        events: What people did.
        items: Rows of the catalogue.
    """

    def __init__(self, events: Sequences, items: int) -> None:
        matrix = interaction_matrix(events, items)
        self._items: npt.NDArray[np.int64] = matrix.indices.astype(np.int64)
        self._offsets: npt.NDArray[np.int64] = matrix.indptr.astype(np.int64)
        self._people = np.flatnonzero(np.diff(self._offsets))

    def __len__(self) -> int:
        """How many people met anything."""
        return len(self._people)

    def batch(self, people: npt.NDArray[np.int64]) -> SetBatch:
        """Returns the items of some, named by their place among those who met anything."""
        rows = self._people[people]
        lengths = self._offsets[rows + 1] - self._offsets[rows]
        begins = np.cumsum(lengths) - lengths
        places = np.repeat(self._offsets[rows] - begins, lengths) + np.arange(lengths.sum())
        return SetBatch(torch.as_tensor(self._items[places]), torch.as_tensor(begins), torch.as_tensor(lengths))

    def shuffled(self, size: int) -> Iterator[SetBatch]:
        """Gives everybody once, in batches of at most `size` people, in an order of torch's own generator."""
        for people in torch.split(torch.randperm(len(self)), size):
            yield self.batch(people.numpy().reshape(-1))
