"""The listwise loss, as gradient boosting wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.metrics.lists import NO_ITEM
from services.training.ranking.candidate_lists import NEVER
from services.training.ranking.examples import TARGET_COLUMN, RankingExamples
from services.training.ranking.shown import ShownLists

Flat = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ListwiseLoss:
    """The cross-entropy between gains and the softmax of scores, summed over lists, with its derivatives.

    Scores come as one flat array, of the candidates that are no `NO_ITEM`, list by list.

    Attributes:
        usable: bool [lists, places].
        gains: float64 [lists, places], 0 where not usable.
        offsets: float64 [lists, places], taken from the scores: the log of how often a candidate is drawn.
    """

    usable: npt.NDArray[np.bool_]
    gains: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.float64]

    @classmethod
    def of_examples(cls, examples: RankingExamples) -> ListwiseLoss:
        """What followed has the gain 1."""
        usable = examples.candidates != NO_ITEM
        gains = np.zeros(usable.shape)
        gains[:, TARGET_COLUMN] = 1.0
        return cls(usable, gains, examples.log_expected.astype(np.float64))

    @classmethod
    def of_shown(cls, shown: ShownLists, weight: float) -> ListwiseLoss:
        """Gains are scaled so that a list has `weight` on average; the scale of rewards says nothing."""
        gains = shown.gains * (weight / shown.gains.sum(axis=1).mean())
        return cls(shown.candidates != NO_ITEM, gains.astype(np.float64), np.zeros(gains.shape))

    def __len__(self) -> int:
        """How many scores there are."""
        return int(self.usable.sum())

    def derivatives(self, scores: Flat) -> tuple[float, Flat, Flat]:
        """Returns the loss, its gradient and the diagonal of its second derivative, each flat as the scores are."""
        logits = as_lists(scores, self.usable) - self.offsets
        logits -= logits.max(axis=1, keepdims=True)
        chances = np.exp(logits)
        totals = chances.sum(axis=1, keepdims=True)
        chances /= totals
        weights = self.gains.sum(axis=1, keepdims=True)
        loss = -float((self.gains * (logits - np.log(totals))).sum())
        gradient = weights * chances - self.gains
        return loss, gradient[self.usable], (weights * chances * (1.0 - chances))[self.usable]


def as_lists(scores: Flat, usable: npt.NDArray[np.bool_]) -> Flat:
    """Returns flat scores as float64 [lists, places], hugely negative where not usable."""
    lists = np.full(usable.shape, NEVER)
    lists[usable] = scores
    return lists


def derivatives_of_all(losses: Sequence[ListwiseLoss], scores: Flat) -> tuple[float, Flat, Flat]:
    """Returns the sum of several losses and its derivatives, for the scores of all of their lists one after the other."""
    ends = np.cumsum([len(loss) for loss in losses])[:-1]
    parts = [loss.derivatives(some) for loss, some in zip(losses, np.split(scores, ends), strict=True)]
    values, gradients, seconds = zip(*parts, strict=True)
    return float(sum(values)), np.concatenate(gradients), np.concatenate(seconds)
