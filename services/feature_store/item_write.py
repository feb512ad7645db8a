"""Values of items' features on their way into the store."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ItemWrite:
    """Values to write, as the models take them.

    Attributes:
        item_ids: The items, each once. They need not be in any snapshot.
        feature_names: The features, each once.
        values: float32 [items, features], finite.
        times_ms: When each item's values came to be, in milliseconds since 1970, UTC: int64 [items].
    """

    item_ids: Sequence[str]
    feature_names: Sequence[str]
    values: NDArray[np.float32]
    times_ms: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class WrittenItems:
    """What became of a write.

    Attributes:
        write: The write.
        written: Which of its values are stored now: bool [items, features]. Newer ones were there instead of the others.
    """

    write: ItemWrite
    written: NDArray[np.bool_]
