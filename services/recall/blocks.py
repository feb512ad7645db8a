"""How the items of a catalogue are dealt out to blocks, which are scored one after the other."""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import Rows

#: How far a block may be from what it stands for, in standard deviations of as many items drawn by lot.
_CAUTION = 4.0


@dataclass(frozen=True)
class Blocks:
    """The blocks, and where in them an item lies.

    Attributes:
        items: How many there are, all together.
        count: How many blocks.
        dealt: Whether items are dealt out one by one, as cards are, so that each block is a fair sample of a catalogue
            in whatever order. Otherwise neighbours stay together.
    """

    items: int
    count: int
    dealt: bool

    @classmethod
    def deal(cls, items: int, most: int) -> Self:
        """Returns blocks of at most `most` items, dealt out."""
        return cls(items, -(-items // most), dealt=True)

    @classmethod
    def cut(cls, items: int, most: int) -> Self:
        """Returns blocks of at most `most` neighbours."""
        return cls(items, -(-items // most), dealt=False)

    def slice_of(self, block: int) -> slice:
        """Returns where in an array of all items those of a block are."""
        if self.dealt:
            return slice(block, self.items, self.count)
        return slice(block * self._size, min((block + 1) * self._size, self.items))

    def rows(self, block: int, columns: NDArray[np.int64]) -> Rows:
        """Returns the rows of items by their places in a block."""
        return columns * self.count + block if self.dealt else columns + block * self._size

    def places(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the blocks of items, and their places in these."""
        if self.dealt:
            columns, blocks = np.divmod(rows, self.count)
        else:
            blocks, columns = np.divmod(rows, self._size)
        return blocks, columns

    def rank(self, limit: int) -> int:
        """Returns which place in a block is, as good as always, behind the first `limit` places of all items.

        As many items have at least the score of the one in that place. Of the first `limit` of a shuffled catalogue a
        block holds its share, and how far from it, tells the binomial distribution. Where neighbours stay together only
        the block's own first `limit` tell anything.
        """
        if not self.dealt:
            return limit
        share = 1 / self.count
        spread = sqrt(limit * share * (1 - share))
        return min(limit, ceil(limit * share + _CAUTION * spread) + 1)

    @property
    def _size(self) -> int:
        return -(-self.items // max(1, self.count))
