"""What people who took a new item took beside it, learnt from the histories of those who ask."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import Rows
from services.recall.live.lookup import MISSING, Lookup
from shared.tensors import Ragged

#: Events that are remembered as counted already: 8 MiB. One that was forgotten is counted again, which does no harm.
_COUNTED = 1 << 20

#: From so many takers on, what is known of an item is halved: it goes with the times, and its counts stay small.
MOST_TAKERS = 200

#: Companions that are kept of an item when there are twice as many: 4 KiB for each item. The others were met by hardly
#: anybody who took it.
MOST_COMPANIONS = 256

#: New items in histories that are learnt from in one call: the event loop waits for it. What is beyond that is let go.
MOST_TOGETHER = 64

_FIRST, _SECOND, _THIRD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
_FINISH: Final = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT: Final = np.uint64(33)


@dataclass(frozen=True)
class Company:
    """Who came with a new item, as of one moment.

    Attributes:
        takers: How many of the histories that were learnt from have the item; of those further back, fewer.
        rows: int64 [companions], rows of the snapshot.
        counts: float64 [companions], how many of these histories have each.
        taken: Share of all events that were counted which are with the item.
        shares: float64 [companions], the same of each companion.
    """

    takers: float
    rows: Rows
    counts: NDArray[np.float64]
    taken: float
    shares: NDArray[np.float64]


class _Taken:
    """Counts of one new item."""

    def __init__(self) -> None:
        self.events = 0
        self.takers = 0.0
        self.rows: NDArray[np.uint32] = np.empty(0, dtype=np.uint32)
        self.counts: NDArray[np.float32] = np.empty(0, dtype=np.float32)

    def add(self, rows: NDArray[np.uint32]) -> None:
        """Counts a history, no row twice."""
        self.events += 1
        self.takers += 1.0
        counts = np.concatenate([self.counts, np.ones(len(rows), dtype=np.float32)])
        self.rows, places = np.unique(np.concatenate([self.rows, rows]), return_inverse=True)
        self.counts = np.bincount(places, weights=counts, minlength=len(self.rows)).astype(np.float32)
        if self.takers > MOST_TAKERS:
            self.takers /= 2
            self.counts /= 2
        if len(self.rows) > 2 * MOST_COMPANIONS:
            kept = np.argsort(-self.counts, kind="stable")[:MOST_COMPANIONS]
            self.rows, self.counts = self.rows[kept], self.counts[kept]


class Companions:
    """Counts, beside one snapshot, what is taken together. Fed by one thread and read by another.

    A history is sent with each request of a user, so most of it was counted before. An event is taken for one that was
    if the same item followed on the same two: users are not named here, and nothing is kept but counts.

    Args:
        items: Rows of the catalogue; rows at or beyond it are of items by their numbers.
        max_history: Events of the longest histories, of which the oldest two have lost what they followed on.
    """

    def __init__(self, items: int, max_history: int) -> None:
        self._items = items
        self._max_history = max_history
        self._counted = np.zeros(_COUNTED, dtype=np.uint64)
        self._known: NDArray[np.int64] = np.zeros(items, dtype=np.int64)
        self._events = 0
        self._taken: dict[int, _Taken] = {}
        self._fresh: set[int] = set()
        self._lock = threading.Lock()

    def learn(self, histories: Ragged, new: Lookup) -> None:
        """Counts what histories have that was not counted before; a tenth of a millisecond.

        Args:
            histories: Rows of each, oldest first; rows beyond the snapshot's are of items by their numbers.
            new: Has the numbers of the new items that there are.
        """
        rows = histories.values.astype(np.int64)
        if not len(rows):
            return
        fresh = self._not_counted(rows, histories)
        counted = rows[fresh]
        with self._lock:
            self._events += len(counted)
            np.add.at(self._known, counted[counted < self._items], 1)
            for place in np.flatnonzero(fresh & (new.get(rows - self._items) != MISSING))[:MOST_TOGETHER].tolist():
                span = histories.span(int(np.searchsorted(histories.offsets, place, side="right")) - 1)
                own = rows[span][-self._max_history :]
                number = int(rows[place]) - self._items
                self._taken.setdefault(number, _Taken()).add(np.unique(own[own < self._items]).astype(np.uint32))
                self._fresh.add(number)

    def tell_again(self, numbers: Collection[int]) -> None:
        """Lets `changed` tell of these new items as if they had been taken once more, if they ever were."""
        with self._lock:
            self._fresh.update(self._taken.keys() & numbers)

    def forget(self, numbers: Collection[int]) -> None:
        """Forgets the company of new items that are no more."""
        with self._lock:
            for number in self._taken.keys() & numbers:
                del self._taken[number]
            self._fresh.difference_update(numbers)

    def changed(self) -> Mapping[int, Company]:
        """Returns what is known of each new item, by its number, that somebody took since this was last asked."""
        with self._lock:
            numbers, self._fresh = self._fresh, set()
            return {number: self._company(self._taken[number]) for number in sorted(numbers)}

    def _company(self, taken: _Taken) -> Company:
        rows = taken.rows.astype(np.int64)
        # An item may have been in a history before it was counted as an event of its own: one at least.
        shares = np.maximum(self._known[rows], 1) / self._events
        return Company(taken.takers, rows, taken.counts.astype(np.float64), taken.events / self._events, shares)

    def _not_counted(self, rows: Rows, histories: Ragged) -> NDArray[np.bool_]:
        """Returns which events were not counted before, and takes them for counted: bool [events]."""
        starts = np.repeat(histories.offsets[:-1], np.diff(histories.offsets))
        place = np.arange(len(rows)) - starts
        # Unknown for the first two, so that what a person began with is an event of its own.
        before = np.where(place > 0, np.roll(rows, 1), -1).astype(np.uint64)
        earlier = np.where(place > 1, np.roll(rows, 2), -1).astype(np.uint64)
        mixed = rows.astype(np.uint64) * _FIRST + before * _SECOND + earlier * _THIRD
        mixed ^= mixed >> _SHIFT
        mixed *= _FINISH
        mixed ^= mixed >> _SHIFT
        slots = (mixed % np.uint64(_COUNTED)).astype(np.int64)
        cut = (place < 2) & (np.repeat(np.diff(histories.offsets), np.diff(histories.offsets)) >= self._max_history)
        fresh: NDArray[np.bool_] = (self._counted[slots] != mixed) & ~cut
        self._counted[slots[fresh]] = mixed[fresh]
        return fresh
