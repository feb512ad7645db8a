"""Examples out of histories: a part of each is held back and asked for, the rest is what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from services.training.datasets import Sequences
from services.training.metrics.lists import NO_ITEM

Rows = npt.NDArray[np.int64]
#: What a part is asked for from: "rest", all that is left of the history; "before", what came before the part alone.
Shown = Literal["rest", "before"]

# How often a negative that the user has met is drawn again; who has met nearly everything gets fewer.
_DRAWS = 20


@dataclass(frozen=True, slots=True, eq=False)
class HeldBack:
    """Some histories, each without the part that is asked for.

    Attributes:
        users: int64 [queries], whose history each is.
        shown: What is left of each history, int32 item rows, oldest first.
        asked: int64 [positives] item rows, held back: none of them is among what its query is shown.
        query: int64 [positives], the query that each is asked of.
    """

    users: Rows
    shown: tuple[npt.NDArray[np.int32], ...]
    asked: Rows
    query: Rows


class Histories:
    """Everybody's items, from which examples and negatives are drawn.

    Args:
        events: What people met.
        items: Rows of the catalogue.
    """

    def __init__(self, events: Sequences, items: int) -> None:
        self._events, self._items = events, items
        keys = events.users.astype(np.int64) * items + events.items
        # What somebody met twice is one thing that they met: it is shown or asked for, never both.
        self._met, self._first_event, self._pair_of_event = np.unique(keys, return_index=True, return_inverse=True)
        self._user_of_pair = self._met // items

    def hold_back(self, parts: int, most: int, shown: Shown, rng: np.random.Generator) -> Iterator[HeldBack]:
        """Cuts every history into parts and asks for each of them, all of them once.

        A history is thereby encoded once for many positives, and no positive is in the history it is asked from, which
        would tell the answer. Histories of about the same length come together; batches come in random order.

        Args:
            parts: How many, at least 2; a shorter history has a part for each of its items.
            most: Positives in a batch, about.
            shown: "rest" cuts at random, each item into any part. "before" cuts the order into stretches, beginning at
                random, so that what is shown is what was known when the part came.
            rng: Of the cuts and the order.
        """
        part_of = self._cut(parts, shown, rng)[self._pair_of_event]
        users = self._events.users.astype(np.int64)
        queries, counts = np.unique(users * self._most_parts(parts) + part_of, return_counts=True)
        users, part = np.divmod(queries, self._most_parts(parts))
        before = np.cumsum(counts) - counts - self._events.offsets[users]
        lengths = before if shown == "before" else self._events.lengths[users] - counts
        order = np.lexsort((rng.random(len(queries)), lengths))
        batch_of = np.cumsum(counts[order]) // most
        batches = np.split(order, np.flatnonzero(np.diff(batch_of)) + 1)
        for place in rng.permutation(len(batches)):
            yield self._batch(users[batches[place]], part[batches[place]], part_of, shown)

    def draw_unmet(self, users: Rows, count: int, rng: np.random.Generator) -> Rows:
        """Draws items that users have not met, all with equal chance and with replacement.

        Args:
            users: int64 [rows], for whom.
            count: How many for each.
            rng: Of the draws.

        Returns:
            int64 [rows, count]; `NO_ITEM` where all draws were of what the user has met.
        """
        drawn = rng.integers(self._items, size=(len(users), count))
        owners = np.broadcast_to(users[:, None], drawn.shape)
        again = np.flatnonzero(self._has_met(owners, drawn))
        for _ in range(_DRAWS):
            if not len(again):
                break
            drawn.flat[again] = rng.integers(self._items, size=len(again))
            again = again[self._has_met(owners.flat[again], drawn.flat[again])]
        drawn.flat[again] = NO_ITEM
        return drawn

    def _has_met(self, users: Rows, items: Rows) -> npt.NDArray[np.bool_]:
        keys = users * self._items + items
        places = np.searchsorted(self._met, keys).clip(max=len(self._met) - 1)
        found: npt.NDArray[np.bool_] = self._met[places] == keys
        return found

    def _cut(self, parts: int, shown: Shown, rng: np.random.Generator) -> Rows:
        """The part of each pair of a user and an item: parts of a user differ by one item at most."""
        by = rng.random(len(self._met)) if shown == "rest" else self._first_event
        order = np.lexsort((by, self._user_of_pair))
        begins = np.searchsorted(self._user_of_pair, self._user_of_pair)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order)) - begins
        if shown == "rest":
            return place % parts
        # Stretches of equal length, but for the first: other cuts each time show each item after more and after less.
        lengths = np.bincount(self._user_of_pair, minlength=self._events.num_users)
        stretch = -(-lengths // parts)
        shift = rng.integers(np.maximum(1, stretch))
        part: Rows = (place + shift[self._user_of_pair]) // stretch[self._user_of_pair]
        return part

    @staticmethod
    def _most_parts(parts: int) -> int:
        """A shifted cut has one more."""
        return parts + 1

    def _batch(self, users: Rows, parts: Rows, part_of: Rows, kind: Shown) -> HeldBack:
        shown, asked = [], []
        for user, part in zip(users.tolist(), parts.tolist(), strict=True):
            own = slice(self._events.offsets[user], self._events.offsets[user + 1])
            items, of = self._events.items[own], part_of[own]
            shown.append(items[of < part] if kind == "before" else items[of != part])
            asked.append(np.unique(items[of == part]).astype(np.int64))
        lengths = [len(one) for one in asked]
        return HeldBack(users, tuple(shown), np.concatenate(asked), np.repeat(np.arange(len(users)), lengths))
