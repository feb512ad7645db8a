"""Holding out what came last, what came after a moment, or a part at random."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.datasets.interactions import Sequences


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Two disjoint parts of the same events; both have the rows of every user.

    Attributes:
        train: what a model may learn from.
        held_out: what it is judged by. A user without held-out events has an empty range.
    """

    train: Sequences
    held_out: Sequences


def leave_last_out(sequences: Sequences, holdout: int = 1) -> Split:
    """Hold out the last `holdout` events of every user.

    A user with no more than `holdout` events keeps them all in training: nobody could predict them from nothing.
    Splitting `train` once more gives a validation part between the two.

    Raises:
        ValueError: `holdout` is less than 1.
    """
    if holdout < 1:
        raise ValueError(f"holdout must be at least 1, not {holdout}")
    ends = np.repeat(sequences.offsets[1:], sequences.lengths)
    from_end = ends - np.arange(len(sequences.items))
    long_enough = np.repeat(sequences.lengths > holdout, sequences.lengths)
    held_out = long_enough & (from_end <= holdout)
    return Split(train=sequences.where(~held_out), held_out=sequences.where(held_out))


def split_by_time(sequences: Sequences, share: float = 0.2) -> Split:
    """Hold out the newest events of all users together: everything that happened at or after one moment.

    As in production, a model then knows nothing of what others did later. Users who came after that moment have no events
    in `train`.

    Args:
        sequences: events with real timestamps, not positions.
        share: how much of the events to hold out, strictly between 0 and 1. Events of the moment itself all go to
            `held_out`, so that it may be somewhat more.

    Raises:
        ValueError: `share` is out of its range, or there are no events.
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"share must be between 0 and 1, not {share}")
    count = len(sequences.timestamps)
    if not count:
        raise ValueError("there are no events to split")
    moment = np.sort(sequences.timestamps)[min(count - 1, round(count * (1 - share)))]
    later = sequences.timestamps >= moment
    return Split(train=sequences.where(~later), held_out=sequences.where(later))


def k_folds(count: int, folds: int, seed: int) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Cut examples into folds at random; each is the test part once.

    Args:
        count: how many examples there are.
        folds: from 2 to `count`; sizes differ by one at most.
        seed: equal seeds give equal folds.

    Yields:
        int64 rows of the training part and int64 rows of the test part, each ascending.

    Raises:
        ValueError: `folds` is out of its range.
    """
    if not 2 <= folds <= count:
        raise ValueError(f"folds must be from 2 to {count}, not {folds}")
    fold_of = np.empty(count, dtype=np.int64)
    fold_of[np.random.default_rng(seed).permutation(count)] = np.arange(count) % folds
    for fold in range(folds):
        yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)


def sample_unmet(sequences: Sequences, items: int, negatives: int, seed: int) -> npt.NDArray[np.int64]:
    """Draw items that each user has not met, as He et al. (Neural Collaborative Filtering, WWW 2017) do to test against.

    Args:
        sequences: everything that the users met, what is held out as well.
        items: the size of the catalogue.
        negatives: how many distinct items to draw for each user.
        seed: equal seeds give equal draws.

    Returns:
        int64 [users, negatives] item rows, every unmet item with equal chance.

    Raises:
        ValueError: a user has met so much that fewer than `negatives` items are left.
    """
    rng = np.random.default_rng(seed)
    drawn = np.empty((sequences.num_users, negatives), dtype=np.int64)
    for user, met in enumerate(sequences):
        unmet = np.ones(items, dtype=np.bool_)
        unmet[met] = False
        left = np.flatnonzero(unmet)
        if len(left) < negatives:
            raise ValueError(f"user {user} has {len(left)} unmet items, fewer than {negatives}")
        drawn[user] = rng.choice(left, negatives, replace=False)
    return drawn
