"""What was written over a snapshot's item features: since when each value is there, and until when."""

import heapq
import math
import threading
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: The states of a value: as the contract numbers them.
WRITTEN, OWN, EXPIRED = 1, 2, 3

_MAX_AGE = 2**32 - 1


class WrittenValues:
    """The values of one snapshot that are written over its own, and go when their time to live has passed.

    Args:
        features: float32 [items, features]: what is served, which this writes to.
        own: float32 [items, features]: what the snapshot was trained with; comes back when a written value goes.
        ttl_seconds: float [features]: how long a written value is served; 0 for ever. Empty: all for ever.

    Attributes:
        due_ms: When the next value goes, in milliseconds since 1970, UTC; infinity where none does.
        differ: Whether any of the features differ from the snapshot's own.
    """

    def __init__(
        self, features: NDArray[np.float32], own: NDArray[np.float32], ttl_seconds: Sequence[float] = ()
    ) -> None:
        self._features = features
        self._own = own
        seconds = np.array(ttl_seconds or [0.0] * features.shape[1])
        self._ttl_ms = np.where(seconds > 0, seconds * 1000, np.inf)
        self._mortal = bool(np.isfinite(self._ttl_ms).any())
        # Memory that nobody touches takes none.
        self._times = np.zeros(features.shape, dtype=np.int64)
        self._differing = np.zeros(len(features), dtype=np.bool_)
        self._goings: list[tuple[float, int, _Going]] = []
        self._numbers = count()
        self._lock = threading.Lock()
        self.due_ms = math.inf
        self.differ = False

    def put(
        self,
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        values: NDArray[np.float32],
        times_ms: NDArray[np.int64],
    ) -> None:
        """Serves values from now on; each replaces what is there.

        Args:
            rows: int64 [values].
            columns: int64 [values].
            values: float32 [values].
            times_ms: When each was written, in milliseconds since 1970, UTC: int64 [values].
        """
        with self._lock:
            self._features[rows, columns] = values
            self._times[rows, columns] = times_ms
            self._compare(rows)
            if self._mortal:
                goes_at = times_ms.astype(np.float64) + self._ttl_ms[columns]
                order = np.argsort(goes_at)[: int(np.isfinite(goes_at).sum())]
                self._remember(_Going(goes_at[order], rows[order], columns[order], times_ms[order]))

    def expire(self, now_ms: int) -> None:
        """Brings back the snapshot's own value wherever a written one has outlived its time to live.

        To be called before `features` are read, or asked which of them differ; it costs nothing while none is due.
        """
        if now_ms <= self.due_ms:
            return
        with self._lock:
            while self._goings and self._goings[0][0] < now_ms:
                going = heapq.heappop(self._goings)[2]
                gone, left = going.split(now_ms)
                # What was written again since has a later time.
                same = self._times[gone.rows, gone.columns] == gone.times_ms
                places = gone.rows[same], gone.columns[same]
                self._features[places] = self._own[places]
                self._compare(places[0])
                self._remember(left)
            self.due_ms = self._goings[0][0] if self._goings else math.inf

    def differing(self, rows: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Returns the places in `rows`, ascending, of those with a value that is not the snapshot's own: uint32 [differing]."""
        if not self.differ:  # the usual case
            return np.empty(0, dtype=np.uint32)
        return np.flatnonzero(self._differing[rows]).astype(np.uint32)

    def states(self, rows: NDArray[np.uint32], now_ms: int) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
        """Returns whence the values of some rows are, and the age of what was written in seconds.

        Returns:
            uint8 [rows, features]: `WRITTEN`, `OWN` where nothing was written, `EXPIRED`; uint32 [rows, features], 0
            where nothing was written.
        """
        times = self._times[rows]
        ages_ms = now_ms - times
        states = np.where(ages_ms > self._ttl_ms, EXPIRED, WRITTEN)
        states[times == 0] = OWN
        ages = np.where(times == 0, 0, np.clip(ages_ms // 1000, 0, _MAX_AGE))
        return states.astype(np.uint8), ages.astype(np.uint32)

    def _compare(self, rows: NDArray[np.int64]) -> None:
        """Notes which of some rows differ from the snapshot's own; a row that had several values written comes as often."""
        rows = np.unique(rows)
        self._differing[rows] = (self._features[rows] != self._own[rows]).any(axis=1)
        self.differ = bool(self._differing.any())

    def _remember(self, going: "_Going") -> None:
        if len(going.goes_at):
            heapq.heappush(self._goings, (float(going.goes_at[0]), next(self._numbers), going))
            self.due_ms = self._goings[0][0]


class _Going(NamedTuple):
    """Values in the order in which they go, as parallel arrays."""

    goes_at: NDArray[np.float64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    times_ms: NDArray[np.int64]

    def split(self, now_ms: int) -> "tuple[_Going, _Going]":
        """Returns those that go before a time, and the others."""
        place = int(np.searchsorted(self.goes_at, now_ms))
        gone = _Going(self.goes_at[:place], self.rows[:place], self.columns[:place], self.times_ms[:place])
        left = _Going(self.goes_at[place:], self.rows[place:], self.columns[place:], self.times_ms[place:])
        return gone, left
