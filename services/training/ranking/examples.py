"""What the ranker learns from: the candidate that followed, among others that recall listed with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.metrics.lists import NO_ITEM
from services.training.recall_lists import ListedQueries

# Added to a candidate's place before inverting it: how much more often the top of a list is drawn than its end.
_PLACE_OFFSET = 20.0
TARGET_COLUMN = 0


@dataclass(frozen=True, slots=True, eq=False)
class RankingExamples:
    """Candidates of which the first is what followed.

    Attributes:
        users: int64 [examples].
        history: int64 [examples, length], padded on the left with -1.
        candidates: int64 [examples, candidates]; column `TARGET_COLUMN` is the target, the others are negatives, or
            `NO_ITEM` where the target itself or nothing was drawn.
        log_expected: float32 [examples, candidates], the log of how often a negative is drawn on average; 0 for the
            target, which is always there.
    """

    users: npt.NDArray[np.int64]
    history: npt.NDArray[np.int64]
    candidates: npt.NDArray[np.int64]
    log_expected: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: npt.NDArray[np.integer]) -> RankingExamples:
        """Returns the examples of these rows."""
        return RankingExamples(self.users[rows], self.history[rows], self.candidates[rows], self.log_expected[rows])


def draw_examples(listed: ListedQueries, negatives: int, seed: int) -> RankingExamples:
    """Draws negatives from recall's candidates, the better ones more often.

    The item in place p is drawn with a chance falling as 1 / (p + 20), with replacement. Without the correction by
    `log_expected`, as in `SampledSoftmaxLoss`, the ranker would learn to distrust whatever recall puts on top. Queries
    whose target recall did not list make no example: no ranker can help them.

    Args:
        listed: Events that recall was not fitted on. On those that it was, its scores would look better than they
            are, and the ranker would learn to trust them too much.
        negatives: How many to draw for each query.
        seed: Of the draws.
    """
    is_target = listed.lists == listed.targets[:, None]
    found = np.flatnonzero(is_target.any(axis=1))
    lists, target_place = listed.lists[found], is_target[found].argmax(axis=1)
    chance = 1.0 / (np.arange(lists.shape[1]) + _PLACE_OFFSET)
    chance /= chance.sum()
    places = np.random.default_rng(seed).choice(lists.shape[1], size=(len(found), negatives), p=chance)
    drawn = np.take_along_axis(lists, places, axis=1)
    drawn[places == target_place[:, None]] = NO_ITEM
    log_expected = np.log(negatives * chance[places])
    return RankingExamples(
        users=listed.users[found],
        history=listed.history[found],
        candidates=np.concatenate([listed.targets[found, None], drawn], axis=1),
        log_expected=np.pad(log_expected, ((0, 0), (1, 0))).astype(np.float32),
    )
