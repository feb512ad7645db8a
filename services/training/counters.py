"""Counting events into features: decayed sums of their weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from services.training.datasets import Interactions, Sequences
from shared.events import DWELL_UNIT_SECONDS, EventType, EventWeights
from shared.feature_views import Counter


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What was counted for each user or item.

    Attributes:
        sums: float64 [entities], each event's weight halved with every half-life between it and the moment.
        counted: bool [entities], whether there was any event that counts.
    """

    sums: npt.NDArray[np.float64]
    counted: npt.NDArray[np.bool_]


def events_in(interactions: Interactions, fit: Sequences) -> npt.NDArray[np.bool_]:
    """Returns which events came before those that are held out, by each user's own time: bool [n].

    Args:
        interactions: Everything that happened.
        fit: The first events of each user's history; what joined no history is placed by those around it.
    """
    viewed = np.cumsum(interactions.viewed)
    starts = np.searchsorted(interactions.users, np.arange(fit.num_users))
    before = np.concatenate([[0], viewed])[starts]
    learnt: npt.NDArray[np.bool_] = viewed - before[interactions.users] <= fit.lengths[interactions.users]
    return learnt


def count_events(
    interactions: Interactions,
    learnt: npt.NDArray[np.bool_],
    *,
    by: Literal["user", "item"],
    entities: int,
    counter: Counter,
    now_ms: int,
) -> Counts:
    """Counts events as of a moment.

    Args:
        interactions: Everything that happened, with real times.
        learnt: bool [n], which events count.
        by: Whose counts.
        entities: How many users or items there are.
        counter: Which types of events count, and how they fade. Data sets do not say how long a dwell was; it counts its
            weight once.
        now_ms: The moment, in milliseconds since 1970; no event that counts is later.
    """
    weights = EventWeights()
    by_type = np.zeros(max(EventType) + 1)
    for kind in counter.types:
        by_type[kind] = weights.of(kind, DWELL_UNIT_SECONDS)
    counts = learnt & np.isin(interactions.types, counter.types)
    rows = (interactions.users if by == "user" else interactions.items)[counts]
    times = interactions.timestamps[counts]
    faded = by_type[interactions.types[counts]] * np.exp2((times - now_ms) / (counter.half_life_seconds * 1000))
    sums = np.bincount(rows, weights=faded, minlength=entities).astype(np.float64)
    return Counts(sums, np.bincount(rows, minlength=entities) > 0)
