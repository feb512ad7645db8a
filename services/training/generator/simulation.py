"""What readers choose: one choice after the other for each, all readers side by side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.training.generator.schedule import Schedule
from services.training.generator.truth import Truth

# So many readers at once keep the [readers, items] arrays in the processor's cache, and memory small for any size.
_READERS_PER_BLOCK = 256


def simulate_choices(truth: Truth, schedule: Schedule, noise: float, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """Draw which item each event is about.

    An item is drawn from the softmax of `Truth.choice_logits` over the items that are released by then and that the
    user has not had before; in a share `noise` of the events evenly from those items.

    Returns:
        int32 [n] item rows, in the order of the schedule.
    """
    chosen = np.empty(len(schedule.timestamps), dtype=np.int32)
    released = np.searchsorted(truth.released_at, schedule.timestamps, side="right")
    indifferent = rng.random(len(chosen)) < noise
    # Kept below 1 so that, rounded to float32, a draw never reaches the end of the cumulative weights.
    draws = rng.random(len(chosen), dtype=np.float32) * np.float32(0.999999)
    lengths = np.diff(schedule.offsets)
    # With the longest sequences first, those who still choose at step s are always the first rows of their block.
    by_length = np.argsort(-lengths, kind="stable")
    for start in range(0, len(by_length), _READERS_PER_BLOCK):
        block = by_length[start : start + _READERS_PER_BLOCK]
        unseen = np.ones((len(block), len(truth.quality)), dtype=np.float32)
        for step in range(int(lengths[block[0]])):
            users = block[: np.count_nonzero(lengths[block] > step)]
            events = schedule.offsets[users] + step
            previous = np.where(schedule.starts_session[events], -1, chosen[events - 1])
            weights = np.exp(truth.choice_logits(users, previous, schedule.progress[events]))
            weights[indifferent[events]] = 1
            weights *= unseen[: len(users)]
            picked = _draw(weights, released[events], draws[events])
            chosen[events] = picked
            unseen[np.arange(len(users)), picked] = 0
    return chosen


def _draw(
    weights: npt.NDArray[np.float32], allowed: npt.NDArray[np.intp], draws: npt.NDArray[np.float32]
) -> npt.NDArray[np.intp]:
    """Draw a column of each row, in proportion to the weights of its first `allowed` columns."""
    cumulative = np.cumsum(weights, axis=1)
    reached = draws * cumulative[np.arange(len(allowed)), allowed - 1]
    picked: npt.NDArray[np.intp] = (cumulative <= reached[:, None]).sum(axis=1)
    return picked
