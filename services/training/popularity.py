"""How popular each item is now."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.training.datasets import Sequences

_DAY_MS = 86_400_000


def recent_popularity(sequences: Sequences, items: int, half_life_days: float | None) -> npt.NDArray[np.float32]:
    """Counts interactions; one that is a half-life older than the newest of all counts half as much.

    Args:
        sequences: The interactions.
        items: Rows of the catalogue.
        half_life_days: Without it all count alike, as they must where timestamps stand for positions.

    Returns:
        float32 [items], at least 0.
    """
    if half_life_days is None or not len(sequences.timestamps):
        weights = None
    else:
        age_days = (sequences.timestamps.max() - sequences.timestamps) / _DAY_MS
        weights = np.exp2(-age_days / half_life_days)
    return np.bincount(sequences.items, weights=weights, minlength=items).astype(np.float32)


def popularity_prior(events: Sequences, items: int, exponent: float) -> npt.NDArray[np.float32]:
    """Returns what likeness is multiplied by where popular items are to come first: 1 for an item that nobody met.

    Args:
        events: Of everybody.
        items: How many items there are.
        exponent: Of one more than an item's events; 0 makes all items equal.

    Returns:
        float32 [items], at least 1.
    """
    counts = np.bincount(events.items, minlength=items).astype(np.float32)
    prior: npt.NDArray[np.float32] = (1.0 + counts) ** np.float32(exponent)
    return prior
