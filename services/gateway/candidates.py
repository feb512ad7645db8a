"""Candidates in columns: five hundred Python objects a request would cost more than what is done with them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.uint32]


@dataclass(frozen=True)
class Candidates:
    """Items that may be recommended, best first, and who found them.

    Attributes:
        rows: uint32 [n], rows of the snapshot.
        found_by: uint32 [n]; bit c is set when `channels[c]` found the candidate. 0: it comes from what is popular.
        channel_scores: float32 [n, channels], each channel's own score; 0 where it did not find the candidate.
        channels: Names of the channels.
        stand_ins: uint32 [n, stand-ins], the rows that each candidate is ranked as: of a live item the rows of known ones
            that are most like it, the last of them repeated; of all others their own. None where no item is live.
    """

    rows: Rows
    found_by: NDArray[np.uint32]
    channel_scores: NDArray[np.float32]
    channels: tuple[str, ...]
    stand_ins: NDArray[np.uint32] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def found_by_none(cls, rows: Rows) -> "Candidates":
        """Returns candidates that no channel found, such as popular items."""
        return cls(rows, np.zeros(len(rows), np.uint32), np.zeros((len(rows), 0), np.float32), ())

    def take(self, which: NDArray[Any] | slice) -> "Candidates":
        """Returns the candidates at the positions given as indexes, as a mask or as a slice."""
        stand_ins = None if self.stand_ins is None else self.stand_ins[which]
        return Candidates(self.rows[which], self.found_by[which], self.channel_scores[which], self.channels, stand_ins)

    def hits(self, positions: NDArray[np.intp]) -> list[tuple[tuple[str, float], ...]]:
        """Returns, for each of the positions, the channels that found the candidate, each with its score."""
        channels = tuple(enumerate(self.channels))
        return [
            tuple([(name, of_channels[channel]) for channel, name in channels if bits >> channel & 1])
            for bits, of_channels in zip(
                self.found_by[positions].tolist(), self.channel_scores[positions].tolist(), strict=True
            )
        ]
