"""A data set with some items taken out of training, and questions about what people took later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from services.training.datasets import Dataset, DatasetError, Item, Sequences, leave_last_out
from services.training.queries import NextItemQueries
from services.training.recall.model import RecallData

#: Of each person's events the newest fifth is asked for, and the older ones are trained with.
ASKED_SHARE = 0.2

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ColdQuestions:
    """Which item did somebody take next, given what they took before?

    Attributes:
        queries: Histories hold known items alone, and at least one; targets are rows of known items first, then of cold ones.
        met: For each question the rows that the person had met before, known and cold: what is not to be recommended.
    """

    queries: NextItemQueries
    met: tuple[npt.NDArray[np.int32], ...]

    def __len__(self) -> int:
        return len(self.queries)

    def where(self, keep: npt.NDArray[np.bool_]) -> Self:
        """Returns the questions where `keep` (bool [questions]) is true."""
        rows = np.flatnonzero(keep)
        return type(self)(self.queries.take(rows), tuple(self.met[row] for row in rows.tolist()))

    def sample(self, most: int, seed: int) -> Self:
        """Returns at most that many of the questions, chosen at random and in their order."""
        keep = np.ones(len(self), dtype=np.bool_)
        keep[np.random.default_rng(seed).permutation(len(self))[most:]] = False
        return self.where(keep)


@dataclass(frozen=True, slots=True, eq=False)
class ColdSplit:
    """A data set cut in three: what is trained with, and questions about known items and about cold ones.

    Attributes:
        data: What a model is fitted with. It has neither the cold items nor any event with them, nor the newest fifth of
            anybody's events. Nothing is known of people but their events.
        cold: The items that were taken out; rows of questions count them after those of `data.items`.
        questions: The newest fifth of everybody's events, with known and cold items.
    """

    data: RecallData
    cold: tuple[Item, ...]
    questions: ColdQuestions

    @classmethod
    def of(cls, dataset: Dataset, share: float, seed: int) -> Self:
        """Takes a share of the items that anybody met out of training, each as likely as the others.

        Raises:
            DatasetError: nobody took a cold item, or a known one, late enough to be asked for.
        """
        sequences = dataset.histories()
        met = np.unique(sequences.items)
        is_cold = np.zeros(len(dataset.items), dtype=np.bool_)
        is_cold[np.random.default_rng(seed).permutation(met)[: round(share * len(met))]] = True
        row_of = np.empty(len(is_cold), dtype=np.int32)
        order = np.argsort(is_cold, kind="stable")
        row_of[order] = np.arange(len(order), dtype=np.int32)
        known, cold = (tuple(dataset.items[row] for row in order[is_cold[order] == one].tolist()) for one in (0, 1))
        asked = _newest(sequences)
        data = _recall_data(known, _renumbered(sequences.where(~asked & ~is_cold[sequences.items]), row_of))
        questions = _questions(_renumbered(sequences, row_of), asked, len(known))
        late = questions.queries.targets >= len(known)
        if not late.any() or late.all():
            raise DatasetError(
                f"nobody took one of {len(cold)} cold items, or a known one, among their newest events",
                remedy="Bring more events, or take another share of the items out.",
            )
        return cls(data, cold, questions)

    @property
    def about_cold(self) -> npt.NDArray[np.bool_]:
        """Which questions have a cold item for an answer: bool [questions]."""
        return self.questions.queries.targets >= len(self.data.items)


def _newest(sequences: Sequences) -> npt.NDArray[np.bool_]:
    lengths = np.repeat(sequences.lengths, sequences.lengths)
    places = np.arange(len(sequences.items)) - np.repeat(sequences.offsets[:-1], sequences.lengths)
    newest: npt.NDArray[np.bool_] = places >= np.floor((1.0 - ASKED_SHARE) * lengths)
    return newest


def _renumbered(sequences: Sequences, row_of: npt.NDArray[np.int32]) -> Sequences:
    return Sequences(
        row_of[sequences.items],
        sequences.offsets,
        sequences.timestamps,
        sequences.liked,
        sequences.viewed,
        sequences.types,
    )


def _recall_data(items: tuple[Item, ...], events: Sequences) -> RecallData:
    split = leave_last_out(events)
    return RecallData(
        items=items,
        item_features=np.zeros((len(items), 1), dtype=np.float32),
        events=split.train,
        user_features=np.zeros((events.num_users, 1), dtype=np.float32),
        validation=NextItemQueries.from_split(split),
    )


def _questions(sequences: Sequences, asked: npt.NDArray[np.bool_], known: int) -> ColdQuestions:
    users: list[int] = []
    histories: list[npt.NDArray[np.int32]] = []
    met: list[npt.NDArray[np.int32]] = []
    targets: list[int] = []
    for user, (begin, end) in enumerate(
        zip(sequences.offsets[:-1].tolist(), sequences.offsets[1:].tolist(), strict=True)
    ):
        first = begin + int(np.count_nonzero(~asked[begin:end]))
        for event in range(first, end):
            before = sequences.items[begin:event]
            history = before[before < known]
            if len(history):
                users.append(user)
                histories.append(history)
                met.append(before)
                targets.append(int(sequences.items[event]))
    queries = NextItemQueries(np.asarray(users, dtype=np.int64), tuple(histories), np.asarray(targets, dtype=np.int64))
    return ColdQuestions(queries, tuple(met))
