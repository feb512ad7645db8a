"""What many of a block's scores reach, found without looking for their order."""

import numpy as np

from services.recall.rough_scores import Scores

#: Groups for each place of the rank: so many that few of the first places are in a group with another.
_GROUPS_OF_PLACE = 8

#: Groups at least: enough for the processor to compare many at a time.
_LEAST_GROUPS = 1024


def reached_by(scores: Scores, rank: int) -> Scores:
    """Returns, for each row, a number that at least `rank` of its scores reach, and hardly more: [rows].

    It is the `rank`-th of the highest scores of groups of items. So all scores are compared once, and only one of each
    group is partitioned, which takes much longer an item: ten times as long as elsewhere where NumPy uses AVX-512 on a
    Zen 4.

    Args:
        scores: [rows, width].
        rank: From 1 to the width.
    """
    rows, width = scores.shape
    size = max(1, width // max(_LEAST_GROUPS, _GROUPS_OF_PLACE * rank))
    groups = width // size
    # A group is every `groups`-th item; fewer than there are groups are left over at the end.
    highest = scores[:, : size * groups].reshape(rows, size, groups).max(axis=1)
    reached: Scores = np.partition(highest, groups - rank, axis=1)[:, groups - rank]
    return reached
