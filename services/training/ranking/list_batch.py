"""The lists of one step of a ranker's fit."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class ListBatch(NamedTuple):
    """Which lists a step takes.

    Attributes:
        lists: int64 [examples], numbers of recall's lists.
        shown: int64 [lists], numbers of lists that were shown; often none.
    """

    lists: Tensor
    shown: Tensor

    def share(self, number: int, parts: int) -> tuple[ListBatch, int]:
        """Returns every `parts`-th example, from that number on, and how many they are.

        Lists that were shown go to all parts, for the mean over them is another one: it counts whole however the parts are
        weighted. They are few beside the examples.
        """
        lists = self.lists[number::parts]
        return ListBatch(lists, self.shown), len(lists)
