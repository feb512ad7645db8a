"""Examples out of histories: a part of each is held back and asked for, the rest is what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.datasets import Sequences
from services.training.metrics.lists import NO_ITEM

Rows = npt.NDArray[np.int64]

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
        self._met, self._pair_of_event = np.unique(keys, return_inverse=True)
        self._user_of_pair = self._met // items

    def hold_back(self, parts: int, most: int, rng: np.random.Generator) -> Iterator[HeldBack]:
        """Cuts every history into parts at random and asks for each of them from the others, all of them once.

        A history is thereby encoded once for many positives, and no positive is in the history it is asked from, which
        would tell the answer. Histories of about the same length come together; batches come in random order.

        Args:
            parts: How many, at least 2; a shorter history has a part for each of its items.
            most: Positives in a batch, about.
            rng: Of the cuts and the order.
        """
        part_of = self._cut(parts, rng)[self._pair_of_event]
        users = self._events.users.astype(np.int64)
        queries, counts = np.unique(users * parts + part_of, return_counts=True)
        shown = self._events.lengths[queries // parts] - counts
        order = np.lexsort((rng.random(len(queries)), shown))
        batch_of = np.cumsum(counts[order]) // most
        batches = np.split(order, np.flatnonzero(np.diff(batch_of)) + 1)
        for place in rng.permutation(len(batches)):
            yield self._batch(queries[batches[place]], parts, part_of)

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

    def _cut(self, parts: int, rng: np.random.Generator) -> Rows:
        """The part of each pair of a user and an item: parts of a user differ by one item at most."""
        order = np.lexsort((rng.random(len(self._met)), self._user_of_pair))
        begins = np.searchsorted(self._user_of_pair, self._user_of_pair)
        part = np.empty(len(order), dtype=np.int64)
        part[order] = (np.arange(len(order)) - begins) % parts
        return part

    def _batch(self, queries: Rows, parts: int, part_of: Rows) -> HeldBack:
        shown, asked = [], []
        users = queries // parts
        for user, part in zip(users.tolist(), (queries % parts).tolist(), strict=True):
            own = slice(self._events.offsets[user], self._events.offsets[user + 1])
            held = part_of[own] == part
            shown.append(self._events.items[own][~held])
            asked.append(np.unique(self._events.items[own][held]).astype(np.int64))
        lengths = [len(one) for one in asked]
        return HeldBack(users, tuple(shown), np.concatenate(asked), np.repeat(np.arange(len(queries)), lengths))
