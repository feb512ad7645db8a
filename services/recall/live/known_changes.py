"""Items of the snapshot that were changed or withdrawn since it was made."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import NO_ROWS, Found, Rows
from services.recall.live.lookup import MISSING, Lookup


@dataclass(frozen=True, eq=False)
class KnownChanges:
    """Which rows of the snapshot go by another name now, and which are to be found no more.

    A changed item keeps its vectors and its popularity, which are those of what people did with it: only its row is
    another one, so it is searched for as before and renamed when found.

    Attributes:
        numbers: int64 [changes], the items' numbers, none twice.
        rows: int64 [changes], their rows in the snapshot.
        withdrawn: bool [changes].
        own_row: From number to row in the snapshot, of all.
        hidden: int64, rising: the rows of those withdrawn.
    """

    numbers: Rows
    rows: Rows
    withdrawn: NDArray[np.bool_]
    own_row: Lookup = field(init=False)
    hidden: Rows = field(init=False)
    _number_of_row: Lookup = field(init=False, repr=False)

    def __post_init__(self) -> None:
        served = ~self.withdrawn
        object.__setattr__(self, "own_row", Lookup.of(self.numbers, self.rows))
        object.__setattr__(self, "hidden", np.sort(self.rows[self.withdrawn]))
        object.__setattr__(self, "_number_of_row", Lookup.of(self.rows[served], self.numbers[served]))

    @classmethod
    def nothing(cls) -> Self:
        """Returns no changes."""
        return cls(NO_ROWS, NO_ROWS, np.empty(0, dtype=np.bool_))

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def renamed(self) -> int:
        """How many are to be found under another row."""
        return len(self._number_of_row)

    def updated(self, numbers: Rows, rows: Rows, withdrawn: NDArray[np.bool_]) -> Self:
        """Returns these changes and newer ones, which replace those of the same items."""
        kept = ~np.isin(self.numbers, numbers)
        return type(self)(
            np.concatenate([self.numbers[kept], numbers]),
            np.concatenate([self.rows[kept], rows]),
            np.concatenate([self.withdrawn[kept], withdrawn]),
        )

    def rename(self, found: Found, items: int) -> Found:
        """Returns what was found with the rows that changed items have beside a snapshot of so many items."""
        if not self.renamed:
            return found
        numbers = self._number_of_row.get(found.rows)
        return Found(np.where(numbers == MISSING, found.rows, items + numbers), found.scores, found.exact)
