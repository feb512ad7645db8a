"""What the ranker learns from traffic: lists that were shown, and what was done with their items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, eq=False)
class ShownLists:
    """Lists that were shown, of which each has an item that something came of.

    Attributes:
        users: int64 [lists].
        history: int64 [lists, length], what the user had done before, padded on the left with -1.
        candidates: int64 [lists, places]; `NO_ITEM` where a list has ended.
        gains: float32 [lists, places], at least 0 and above 0 somewhere in each list: what came of an item, by how
            improbable it was that it was shown; 0 for what was shown and not acted upon.
    """

    users: npt.NDArray[np.int64]
    history: npt.NDArray[np.int64]
    candidates: npt.NDArray[np.int64]
    gains: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.users)


def shown_loss(scores: Tensor, gains: Tensor) -> Tensor:
    """Computes the mean over lists of the cross-entropy between gains and the softmax of the scores.

    It is the listwise softmax loss (ListNet, Cao et al., ICML 2007) weighted by gains. Where a gain is the reward over the
    propensity of having been shown, its expectation does not depend on how the logging policy chose what to show
    (Joachims, Swaminathan & Schnabel, WSDM 2017), but for the clipping of large weights, which trades a little bias for
    much variance (Ionides, J. Comp. Graph. Stat. 2008).

    Args:
        scores: float [lists, places], hugely negative where a list has ended.
        gains: float [lists, places], 0 there.
    """
    losses = -(gains * nn.functional.log_softmax(scores, dim=1)).sum(dim=1)
    return losses.mean()
