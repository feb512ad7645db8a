"""Items that the snapshot does not have."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from services.recall.channel import NO_ROWS, Floats, Rows
from services.recall.live.lookup import Lookup


@dataclass(frozen=True, eq=False)
class NewItems:
    """Where new items lie in the space of each channel of vectors, and which known items stand in for them.

    Attributes:
        numbers: int64 [new], rising.
        stand_ins: int64 [new, stand-ins], rows of the snapshot, the most alike first; a short list repeats its last.
        vectors: float32 [new, dimension] of each channel.
        places: From number to place in these arrays.
    """

    numbers: Rows
    stand_ins: Rows
    vectors: tuple[Floats, ...]
    places: Lookup = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", Lookup(self.numbers, np.arange(len(self.numbers))))

    @classmethod
    def nothing(cls, stand_ins: int, dimensions: Sequence[int]) -> Self:
        """Returns no items.

        Args:
            stand_ins: How many each would have.
            dimensions: Of each channel's vectors.
        """
        vectors = tuple(np.empty((0, dimension), dtype=np.float32) for dimension in dimensions)
        return cls(NO_ROWS, np.empty((0, stand_ins), dtype=np.int64), vectors)

    def __len__(self) -> int:
        return len(self.numbers)

    def updated(self, gone: Rows, placed: Self) -> Self:
        """Returns these items without those that are gone, and with others, which replace those of the same number.

        Args:
            gone: int64, numbers; they need not be here.
            placed: The others.
        """
        kept = ~np.isin(self.numbers, np.concatenate([gone, placed.numbers]))
        numbers = np.concatenate([self.numbers[kept], placed.numbers])
        order = np.argsort(numbers)
        return type(self)(
            numbers[order],
            np.concatenate([self.stand_ins[kept], placed.stand_ins])[order],
            tuple(
                np.concatenate([own[kept], others])[order]
                for own, others in zip(self.vectors, placed.vectors, strict=True)
            ),
        )

    def first(self, most: int) -> Self:
        """Returns the `most` items with the lowest numbers."""
        return type(self)(self.numbers[:most], self.stand_ins[:most], tuple(one[:most] for one in self.vectors))
