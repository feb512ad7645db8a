"""Next-item questions: given what somebody met so far, which item comes next?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from services.training.datasets import Split


@dataclass(frozen=True, slots=True, eq=False)
class NextItemQueries:
    """Histories with the item that followed each of them.

    Attributes:
        users: int64 [queries], whose history it is.
        histories: The whole history of each query, int32 item rows, oldest first.
        targets: int64 [queries], the item that followed.
    """

    users: npt.NDArray[np.int64]
    histories: tuple[npt.NDArray[np.int32], ...]
    targets: npt.NDArray[np.int64]

    @classmethod
    def from_split(cls, split: Split) -> Self:
        """Asks for every held-out event, given all events of the same user before it."""
        users: list[int] = []
        histories: list[npt.NDArray[np.int32]] = []
        for user in np.flatnonzero(split.held_out.lengths).tolist():
            known, held_out = split.train.items_of(user), split.held_out.items_of(user)
            events = np.concatenate([known, held_out])
            users += [user] * len(held_out)
            histories += [events[: len(known) + later] for later in range(len(held_out))]
        return cls(np.asarray(users, dtype=np.int64), tuple(histories), split.held_out.items.astype(np.int64))

    def __len__(self) -> int:
        return len(self.users)

    def sample(self, most: int, seed: int) -> Self:
        """Returns at most that many of the queries, chosen at random and in their order."""
        if len(self) <= most:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self), most, replace=False))
        return self.take(chosen)

    def take(self, rows: npt.NDArray[np.integer]) -> Self:
        """Returns the queries of these rows."""
        return type(self)(self.users[rows], tuple(self.histories[row] for row in rows), self.targets[rows])
