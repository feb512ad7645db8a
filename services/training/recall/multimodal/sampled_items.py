"""Which items a batch is about, and what that does to the softmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from services.training.sequence.loss import FullSoftmaxLoss

_ABSENT = -1


def inclusion_probabilities(weights: npt.NDArray[np.floating], expected: int) -> npt.NDArray[np.float64]:
    """Returns probabilities in proportion to the weights, at most 1, with the sum `expected`, or all that there are.

    Args:
        weights: float [items], at least 0; an item of weight 0 is never drawn.
        expected: How many items to draw, on average.
    """
    probabilities = np.zeros(len(weights))
    open_to = weights > 0
    left = float(expected)
    while open_to.any() and left > 0:
        scaled = weights * (left / weights[open_to].sum())
        certain = open_to & (scaled >= 1.0)
        if not certain.any():
            probabilities[open_to] = scaled[open_to]
            break
        probabilities[certain] = 1.0
        open_to &= ~certain
        left -= int(certain.sum())
    return probabilities


@dataclass(frozen=True, slots=True, eq=False)
class SampledItems:
    """Items drawn with probabilities of their own, and always as many: kernels are made anew for every new shape.

    Attributes:
        rows: int64 [drawn], ascending.
        places: int64 [items], the place of each item in `rows`, -1 for those that were not drawn.
        log_inclusion: float [drawn], log of the probability with which each was drawn.
    """

    rows: Tensor
    places: Tensor
    log_inclusion: Tensor

    @classmethod
    def draw(cls, probabilities: Tensor) -> Self:
        """Draws items by steps of 1 along the sum of their probabilities, in random order (Goodman & Kish, JASA 1950).

        Args:
            probabilities: float64 [items], with a whole number for their sum: so many are drawn.
        """
        order = torch.randperm(len(probabilities))
        sums = probabilities[order].cumsum(0)
        # What rounding left of a whole number would now and then make one item more or less.
        sums[-1] = sums[-1].round()
        begin = torch.rand(1, dtype=sums.dtype)
        steps = torch.cat([-begin, sums - begin]).floor()
        rows = order[steps[1:] > steps[:-1]].sort().values
        places = torch.full((len(probabilities),), _ABSENT)
        places[rows] = torch.arange(len(rows))
        return cls(rows, places, probabilities[rows].log().float())

    def drawn(self, items: Tensor) -> Tensor:
        """Returns whether each item (int64 [n], -1 for none) was drawn: bool [n]."""
        return (items >= 0) & (self.places[items.clamp(min=0)] != _ABSENT)

    def loss(self, states: Tensor, vectors: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of the softmax over the items, estimated from those that were drawn.

        Each other item's logit is reduced by the log of its probability of being drawn, which makes the sum an unbiased
        estimate of the softmax's denominator (Bengio & Senécal, IEEE Transactions on Neural Networks 2008; for two towers,
        Yi et al., RecSys 2019). And since only targets that were drawn can be asked for, each counts as often as it was
        improbable.

        Args:
            states: float [n, dimension].
            vectors: float [drawn, dimension], of `rows`.
            targets: int64 [n], items that were drawn.
        """
        places = self.places[targets]
        if not bool(self.log_inclusion.any()):
            return FullSoftmaxLoss()(states, vectors, places)
        own = nn.functional.one_hot(places, len(self.rows)) * self.log_inclusion[places, None]
        logits = states @ vectors.T - self.log_inclusion + own
        weights = torch.exp(-self.log_inclusion[places])
        each = nn.functional.cross_entropy(logits, places, reduction="none")
        return (each * weights).sum() / weights.sum()
