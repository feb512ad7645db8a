"""A data set cut at a moment, with films that arrive at that moment and known films that are watched as much afterwards."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.training.datasets import Dataset, Interactions

#: Events that a film needs after the moment to be chosen: fewer are watched by hardly anybody.
LEAST_EVENTS = 20

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class ArrivingFilms:
    """What is known at a moment, and what happens from then on.

    Attributes:
        dataset: Everything.
        before: What happened until the moment, without the films that arrive: neither their rows nor their events.
        arriving: Films that arrive at the moment, as rows of `dataset`.
        matched: For each of these a film known by then that is watched about as much after the moment.
        users: int64 [events], who does what happens after the moment, in the order of time, as rows of `dataset`...
        films: ...with which films, as rows of `dataset`...
        times: ...and when, in milliseconds since 1970, UTC.
    """

    dataset: Dataset
    before: Dataset
    arriving: Rows
    matched: Rows
    users: Rows
    films: Rows
    times: Rows

    @classmethod
    def of(cls, dataset: Dataset, share: float, films: int, seed: int, *, tuning: bool = False) -> Self:
        """Cuts a data set where `share` of its events have happened.

        Args:
            dataset: Everything.
            share: Of the events, to be trained on.
            films: How many films arrive. They, and those they are compared with, were met before the moment in truth, and
                at least `LEAST_EVENTS` times after it.
            seed: Of their choice.
            tuning: Whether to take the next films of that choice instead. What is chosen by them has then not seen those
                that are taken otherwise.
        """
        log = dataset.interactions
        old = log.timestamps <= np.quantile(log.timestamps, share)
        earlier, later = (np.bincount(log.items[some], minlength=len(dataset.items)) for some in (old, ~old))
        fit = np.flatnonzero((earlier > 0) & (later >= LEAST_EVENTS))
        chosen = np.random.default_rng(seed).permutation(fit)
        arriving = chosen[films : 2 * films] if tuning else chosen[:films]
        matched = nearest_in_number(later, arriving, np.setdiff1d(fit, arriving))
        after = np.flatnonzero(~old)
        after = after[np.argsort(log.timestamps[after], kind="stable")]
        return cls(
            dataset,
            _without(dataset, arriving, old),
            arriving,
            matched,
            log.users[after].astype(np.int64),
            log.items[after].astype(np.int64),
            log.timestamps[after],
        )


def nearest_in_number(numbers: NDArray[np.int64], wanted: Rows, offered: Rows) -> Rows:
    """Returns, for each wanted film in turn, the offered film that is nearest in number and not taken yet."""
    free = dict.fromkeys(offered.tolist())
    taken = []
    for film in wanted.tolist():
        nearest = min(free, key=lambda other: (abs(int(numbers[other] - numbers[film])), other))
        del free[nearest]
        taken.append(nearest)
    return np.array(taken, dtype=np.int64)


def _without(dataset: Dataset, arriving: Rows, old: NDArray[np.bool_]) -> Dataset:
    """Returns the old events of a data set with films that had not arrived, who did them, and all other films."""
    log = dataset.interactions
    known = np.ones(len(dataset.items), dtype=np.bool_)
    known[arriving] = False
    kept = old & known[log.items]
    users, rows = np.unique(log.users[kept], return_inverse=True)
    return Dataset.build(
        name="before",
        items=[item for item, is_known in zip(dataset.items, known.tolist(), strict=True) if is_known],
        users=[dataset.users[user] for user in users],
        interactions=Interactions.build(
            users=rows,
            items=(np.cumsum(known) - 1)[log.items[kept]],
            timestamps=log.timestamps[kept],
            liked=log.liked[kept],
        ),
    )
