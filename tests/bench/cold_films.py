"""Films that are held back from training, the people who watched them later, and known films to compare with."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.training.datasets import Dataset, Interactions

#: Of each user's events the last fifth is what is asked for, and only the others are trained with.
ASKED_SHARE = 0.2

#: Events that a film needs to be chosen: fewer are watched by hardly anybody later.
LEAST_EVENTS = 20

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class ColdFilms:
    """A data set cut in two: what is trained with, and what is asked for.

    Attributes:
        dataset: Everything.
        trained: Without the films held back and without each user's last events.
        row_of: int64 [films], the row in `trained` of each film; -1 where it is held back.
        judged: Films held back whose finding is measured, as rows of `dataset`.
        matched: For each of these a known film that was about as popular, over all events.
        users: int64 [events], who did the events that are asked for...
        films: ...and with which films, as rows of `dataset`.
    """

    dataset: Dataset
    trained: Dataset
    row_of: Rows
    judged: Rows
    matched: Rows
    users: Rows
    films: Rows

    @classmethod
    def of(cls, dataset: Dataset, films: int, seed: int, *, tuning: bool) -> Self:
        """Holds back films.

        Args:
            dataset: Everything.
            films: How many to judge with.
            seed: Of their choice.
            tuning: Whether to hold back as many others too, and to judge with these. What is chosen by them has then
                not seen those that are judged with otherwise.
        """
        counts = np.bincount(dataset.interactions.items, minlength=len(dataset.items))
        chosen = np.random.default_rng(seed).permutation(np.flatnonzero(counts >= LEAST_EVENTS))
        held = chosen[: 2 * films] if tuning else chosen[:films]
        judged = chosen[films : 2 * films] if tuning else held
        known = np.ones(len(dataset.items), dtype=np.bool_)
        known[held] = False
        sequences = dataset.histories()
        places = np.arange(len(sequences.items)) - np.repeat(sequences.offsets[:-1], sequences.lengths)
        asked = places >= np.floor((1.0 - ASKED_SHARE) * np.repeat(sequences.lengths, sequences.lengths))
        row_of = np.where(known, np.cumsum(known) - 1, -1)
        kept = known[sequences.items] & ~asked
        trained = Dataset.build(
            name=dataset.name,
            items=[item for item, is_known in zip(dataset.items, known.tolist(), strict=True) if is_known],
            users=dataset.users,
            interactions=Interactions.build(
                users=sequences.users[kept],
                items=row_of[sequences.items[kept]],
                timestamps=sequences.timestamps[kept],
                liked=sequences.liked[kept],
                viewed=sequences.viewed[kept],
            ),
        )
        matched = _matched(counts, judged, np.flatnonzero(known & (counts >= LEAST_EVENTS)))
        users, films_asked = sequences.users[asked].astype(np.int64), sequences.items[asked].astype(np.int64)
        return cls(dataset, trained, row_of, judged, matched, users, films_asked)


def _matched(counts: NDArray[np.int64], judged: Rows, known: Rows) -> Rows:
    """Returns, for each judged film in turn, the known film that is nearest in events and not taken yet."""
    free = dict.fromkeys(known.tolist())
    matched = []
    for film in judged.tolist():
        nearest = min(free, key=lambda other: (abs(int(counts[other] - counts[film])), other))
        del free[nearest]
        matched.append(nearest)
    return np.array(matched, dtype=np.int64)
