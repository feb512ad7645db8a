"""Who met which item and when: columnar, and grouped into one sequence per user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from shared.events import EventType

# Where a data set knows only the order of a user's events, position p gets this time plus p minutes.
# The value is 2000-01-01T00:00:00Z; it is fixed so that loading the same files twice gives the same data set.
POSITION_EPOCH_MS = 946_684_800_000
POSITION_STEP_MS = 60_000


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Events of every user in time order, in compressed sparse row form.

    User u's events are `[offsets[u]:offsets[u + 1]]` of each array, oldest first. A user without events has an
    empty range, so that users keep their row in `Dataset.users`.

    Attributes:
        items: int32 [n], rows of `Dataset.items`.
        offsets: int64 [users + 1], non-decreasing from 0 to n.
        timestamps: int64 [n], milliseconds since 1970-01-01T00:00:00Z.
        liked: bool [n], False for an explicit dislike.
        viewed: bool [n], False where the user said not to like an item without having taken it up.
        types: int8 [n], a `shared.events.EventType` each.
    """

    items: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    timestamps: npt.NDArray[np.int64]
    liked: npt.NDArray[np.bool_]
    viewed: npt.NDArray[np.bool_]
    types: npt.NDArray[np.int8]

    @property
    def num_users(self) -> int:
        """How many users there are, with or without events."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """How many events each user has: int64 [users]."""
        return np.diff(self.offsets)

    @property
    def users(self) -> npt.NDArray[np.int32]:
        """Which user each event belongs to: int32 [n]."""
        return np.repeat(np.arange(self.num_users, dtype=np.int32), self.lengths)

    def items_of(self, user: int) -> npt.NDArray[np.int32]:
        """The items of one user, oldest first: a view, int32 [length of that user]."""
        return self.items[self.offsets[user] : self.offsets[user + 1]]

    def __iter__(self) -> Iterator[npt.NDArray[np.int32]]:
        """Each user's items in turn, as `items_of` gives them."""
        return (self.items_of(user) for user in range(self.num_users))

    def where(self, keep: npt.NDArray[np.bool_]) -> Sequences:
        """The same users with only the events where `keep` (bool [n]) is true, still in time order."""
        lengths = np.bincount(self.users[keep], minlength=self.num_users)
        return Sequences(
            items=self.items[keep],
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            timestamps=self.timestamps[keep],
            liked=self.liked[keep],
            viewed=self.viewed[keep],
            types=self.types[keep],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """Every event of a data set as parallel arrays of length n, sorted by (user, timestamp).

    Make one with `Interactions.build`, which sorts. Events of one user with equal timestamps keep the order in which
    they were given. The same (user, item) pair may occur more than once.

    Attributes:
        users: int32 [n], rows of `Dataset.users`.
        items: int32 [n], rows of `Dataset.items`.
        timestamps: int64 [n], milliseconds since 1970-01-01T00:00:00Z.
        liked: bool [n], False for an explicit dislike, True where the data set does not say.
        viewed: bool [n], whether the event joins the user's history. A film that was watched and given one star does; a
            book that was waved away unread does not.
        timed: False when `timestamps` stand for positions, and so compare only within one user.
        types: int8 [n], a `shared.events.EventType` each: what happened, as far as the data set says.
    """

    users: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    timestamps: npt.NDArray[np.int64]
    liked: npt.NDArray[np.bool_]
    viewed: npt.NDArray[np.bool_]
    timed: bool
    types: npt.NDArray[np.int8]

    @classmethod
    def build(
        cls,
        *,
        users: npt.ArrayLike,
        items: npt.ArrayLike,
        timestamps: npt.ArrayLike | None = None,
        liked: npt.ArrayLike | None = None,
        viewed: npt.ArrayLike | None = None,
        types: npt.ArrayLike | None = None,
    ) -> Self:
        """Sort events given in any order.

        Args:
            users: [n] rows of users.
            items: [n] rows of items.
            timestamps: [n] milliseconds since 1970-01-01T00:00:00Z. Without them the order given is the time order
                of each user: the user's p-th event (from 0) gets `POSITION_EPOCH_MS + p * POSITION_STEP_MS`.
            liked: [n] booleans; all True when absent.
            viewed: [n] booleans; all True when absent.
            types: [n] `EventType`; when absent, a view or, where not viewed, a dislike.

        Raises:
            ValueError: the arrays differ in length.
        """
        user_rows = np.asarray(users, dtype=np.int32)
        item_rows = np.asarray(items, dtype=np.int32)
        count = len(user_rows)
        likes, views = (
            np.ones(count, dtype=np.bool_) if given is None else np.asarray(given, dtype=np.bool_)
            for given in (liked, viewed)
        )
        times = _position_times(user_rows) if timestamps is None else np.asarray(timestamps, dtype=np.int64)
        given_types = np.where(views, EventType.VIEW, EventType.DISLIKE) if types is None else types
        kinds = np.asarray(given_types, dtype=np.int8)
        columns = (user_rows, item_rows, times, likes, views, kinds)
        if len({len(column) for column in columns}) > 1:
            raise ValueError("users, items, timestamps, liked, viewed and types must have one entry per event")
        order = np.lexsort((times, user_rows))
        return cls(
            users=user_rows[order],
            items=item_rows[order],
            timestamps=times[order],
            liked=likes[order],
            viewed=views[order],
            timed=timestamps is not None,
            types=kinds[order],
        )

    def __len__(self) -> int:
        """The number of events."""
        return len(self.users)

    def sequences(self, num_users: int) -> Sequences:
        """Group the events by user; `num_users` counts the users that have none too."""
        offsets = np.searchsorted(self.users, np.arange(num_users + 1)).astype(np.int64)
        return Sequences(self.items, offsets, self.timestamps, self.liked, self.viewed, self.types)


def _position_times(users: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Timestamps that say no more than the order of each user's events: int64 [n]."""
    order = np.argsort(users, kind="stable")
    grouped = users[order]
    positions = np.empty(len(users), dtype=np.int64)
    positions[order] = np.arange(len(users)) - np.searchsorted(grouped, grouped)
    return POSITION_EPOCH_MS + positions * POSITION_STEP_MS
