"""Cutting sequences into windows of equal length, for training and for queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.datasets import Sequences
from services.training.sequence.encoder import PADDING

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Inputs and what came right after each of them.

    Attributes:
        history: int64 [windows, length], padded on the left with -1.
        target: int64 [windows, length], the item after each position of `history`; -1 where there is none.
    """

    history: Rows
    target: Rows

    def __len__(self) -> int:
        return len(self.history)

    def by_length(self, together: int) -> Iterator[Windows]:
        """Yields the same windows in parts of like lengths, each without the columns in which none of its windows is asked.

        Most histories are short: as one batch, all would be computed at the length of the longest.

        Args:
            together: How many windows a part has; the last may have fewer.
        """
        asked = self.target != PADDING
        order = np.argsort(asked.sum(axis=1), kind="stable")
        for start in range(0, len(order), together):
            rows = order[start : start + together]
            begun = asked[rows].any(axis=0)
            first = int(begun.argmax()) if begun.any() else len(begun)
            yield Windows(self.history[rows, first:], self.target[rows, first:])

    def share(self, number: int, parts: int) -> tuple[Windows, int]:
        """Returns every `parts`-th window, from that number on, and how many targets they have."""
        target = self.target[number::parts]
        return Windows(self.history[number::parts], target), int((target != PADDING).sum())


def cut_windows(sequences: Sequences, length: int, rng: np.random.Generator | None = None) -> Windows:
    """Cuts sequences into windows in which every event is a target at least once.

    A user's first event has padding as its history: that is what teaches the encoder about people without one.

    Args:
        sequences: Events of each user in time order.
        length: Positions in a window.
        rng: Where to cut long sequences; without it the cuts are counted from the newest event. Other cuts in every
            epoch show each event after more and after less context.
    """
    begins, ends = _spans(sequences, length, rng)
    position = ends[:, None] - length + np.arange(length)
    items = sequences.items.astype(np.int64)
    target = np.where(position >= begins[:, None], items[np.maximum(position, 0)], PADDING)
    history = np.where(position > begins[:, None], items[np.maximum(position - 1, 0)], PADDING)
    return Windows(history, target)


def pad_histories(histories: Sequence[npt.NDArray[np.integer]], length: int) -> Rows:
    """Makes a batch of the newest `length` items of each history.

    Args:
        histories: Item rows of each query, oldest first.
        length: Width of the batch.

    Returns:
        int64 [queries, length], padded on the left with -1.
    """
    batch = np.full((len(histories), length), PADDING, dtype=np.int64)
    for row, history in zip(batch, histories, strict=True):
        newest = history[-length:]
        row[length - len(newest) :] = newest
    return batch


def _spans(sequences: Sequences, length: int, rng: np.random.Generator | None) -> tuple[Rows, Rows]:
    """For each window the first event of its user and the event after its last: int64 [windows] each."""
    begins: list[int] = []
    ends: list[int] = []
    for begin, end in zip(sequences.offsets[:-1].tolist(), sequences.offsets[1:].tolist(), strict=True):
        shift = int(rng.integers(length)) if rng is not None and end - begin > length else 0
        cuts = [*range(end - shift, begin, -length), *([end] if shift else [])]
        begins += [begin] * len(cuts)
        ends += cuts
    return np.asarray(begins, dtype=np.int64), np.asarray(ends, dtype=np.int64)
