"""Histories as models take them: one width, the most recent item last."""

import numpy as np
from numpy.typing import NDArray

from shared.tensors import Ragged

#: Stands where a history has no item.
NO_ITEM = -1


def pad_histories(histories: Ragged, max_history: int) -> NDArray[np.int64]:
    """Returns histories padded on the left with `NO_ITEM`: int64 [queries, width].

    The width is that of the longest history, at least 1 and at most `max_history`; a longer history loses its old end.

    Args:
        histories: Rows of each query's items, oldest first.
        max_history: How many items the models look at, at least 1.
    """
    if len(histories) == 1:  # a caller alone: nothing to pad but a history without items
        newest = histories.values[-max_history:]
        return newest.astype(np.int64)[None] if len(newest) else np.full((1, 1), NO_ITEM, dtype=np.int64)
    lengths = np.diff(histories.offsets)
    width = min(max_history, max(1, int(lengths.max(initial=0))))
    columns = np.arange(width)
    present = columns >= width - lengths[:, None]
    padded = np.full((len(histories), width), NO_ITEM, dtype=np.int64)
    sources = histories.offsets[1:, None] - width + columns
    padded[present] = histories.values[sources[present]]
    return padded


def widen(history: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Returns padded histories padded further on the left: int64 [queries, width]."""
    return np.pad(history, ((0, 0), (width - history.shape[1], 0)), constant_values=NO_ITEM)
