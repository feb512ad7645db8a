"""The entries of all lists of a batch, brought together by candidate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import Floats, Found, Rows

# An entry's query, row and slot are sorted as one integer: up to 4,096 queries, rows below 2**32, and 2**20 slots.
_QUERY_SHIFT = np.uint64(52)
_ROW_SHIFT = np.uint64(20)
_ROW = np.uint64((1 << 32) - 1)
_SLOT = np.uint64((1 << 20) - 1)


@dataclass(frozen=True)
class Entries:
    """Entries in order of query, row and slot; a candidate is a row of a query. A slot is a rank of a channel.

    Attributes:
        batch: How many queries there are.
        width: How many channels there are.
        owners: int64 [entries], the candidate that each belongs to.
        channels: int64 [entries].
        ranks: int64 [entries], from 0.
        scores: float32 [entries].
        starts: int64 [candidates], the first entry of each.
        slots: int64 [candidates], the least slot of each.
        queries: int64 [candidates].
        rows: int64 [candidates].
    """

    batch: int
    width: int
    owners: Rows
    channels: Rows
    ranks: Rows
    scores: Floats
    starts: Rows
    slots: Rows
    queries: Rows
    rows: Rows

    @classmethod
    def of(cls, found: Sequence[Sequence[Found]], lengths: Rows, order: Rows) -> Self:
        """Returns the entries of the channels' lists.

        Args:
            found: [channels][queries], at least one of each.
            lengths: int64 [channels], of the longest list of each.
            order: int64 [slots], the slots as they are to be numbered, from 0: each the channels' ranks end to end.
        """
        width, batch = len(found), len(found[0])
        sizes = np.array([[len(one.rows) for one in lists] for lists in found])
        rows = np.concatenate([one.rows for lists in found for one in lists])
        scores = np.concatenate([one.scores for lists in found for one in lists])
        begins = np.concatenate(([0], np.cumsum(sizes.ravel())))[:-1].reshape(sizes.shape)
        bases = np.concatenate(([0], np.cumsum(lengths)))[:-1]
        numbers = np.empty(len(order), dtype=np.int64)
        numbers[order] = np.arange(len(order))

        ranks = np.arange(len(rows)) - np.repeat(begins.ravel(), sizes.ravel())
        slots = numbers[ranks + np.repeat(np.repeat(bases, batch), sizes.ravel())]
        queries = np.repeat(np.tile(np.arange(batch), width), sizes.ravel())
        keys = np.sort(
            queries.astype(np.uint64) << _QUERY_SHIFT | rows.astype(np.uint64) << _ROW_SHIFT | slots.astype(np.uint64)
        )

        candidates = keys >> _ROW_SHIFT
        starts = np.flatnonzero(np.concatenate(([True], candidates[1:] != candidates[:-1]))[: len(keys)])
        owners = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(keys)))
        slots = (keys & _SLOT).astype(np.int64)
        channels = np.repeat(np.arange(width), lengths)[order][slots]
        ranks = order[slots] - bases[channels]
        queries = (keys[starts] >> _QUERY_SHIFT).astype(np.int64)
        return cls(
            batch=batch,
            width=width,
            owners=owners,
            channels=channels,
            ranks=ranks,
            scores=scores[begins[channels, queries[owners]] + ranks],
            starts=starts,
            slots=slots[starts],
            queries=queries,
            rows=(candidates[starts] & _ROW).astype(np.int64),
        )

    @property
    def found_by(self) -> NDArray[np.uint32]:
        """For each candidate a bit for each channel that found it: uint32 [candidates]."""
        bits = np.left_shift(np.uint32(1), self.channels.astype(np.uint32))
        return np.bitwise_or.reduceat(bits, self.starts) if len(self.starts) else bits
