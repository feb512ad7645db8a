"""Values by sorted keys, for whole arrays at a time."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from services.recall.channel import NO_ROWS, Rows

#: Stands where a key has no value.
MISSING = -1


@dataclass(frozen=True, eq=False)
class Lookup:
    """A value for each of some keys.

    Attributes:
        keys: int64 [keys], rising.
        values: int64 [keys], none below 0.
    """

    keys: Rows
    values: Rows

    @classmethod
    def of(cls, keys: Rows, values: Rows) -> Self:
        """Returns a look-up for keys in any order, none twice."""
        order = np.argsort(keys)
        return cls(keys[order], values[order])

    @classmethod
    def empty(cls) -> Self:
        """Returns one without keys."""
        return cls(NO_ROWS, NO_ROWS)

    def __len__(self) -> int:
        return len(self.keys)

    def get(self, wanted: Rows) -> Rows:
        """Returns the value of each wanted key, `MISSING` where it has none: int64 [wanted]."""
        if not len(self.keys):
            return np.full(len(wanted), MISSING, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[places] == wanted, self.values[places], MISSING)
