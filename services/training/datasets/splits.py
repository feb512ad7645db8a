"""Holding out what came last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
