"""What users do with items, and how much each thing counts."""

import math
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Self


class EventType(IntEnum):
    """What a user did with an item. The numbers are those of the contracts and are stored: never renumber."""

    VIEW = 1
    CLICK = 2
    LIKE = 3
    DISLIKE = 4
    PURCHASE = 5
    IMPRESSION = 6
    DWELL = 7


#: The types whose items join the history: what a user sought out, and did not turn down.
HISTORY_TYPES = frozenset(EventType) - {EventType.DISLIKE, EventType.IMPRESSION}

#: The types whose items join the seen items. Being shown something is not having seen it.
SEEN_TYPES = frozenset(EventType) - {EventType.IMPRESSION}

#: How long a dwell is when it counts its weight once.
DWELL_UNIT_SECONDS = 60.0

#: How often a dwell counts its weight at most: who leaves a page open all night says no more than who read it.
MAX_DWELL_UNITS = 5.0

_DEFAULTS: Mapping[EventType, float] = MappingProxyType(
    {
        EventType.VIEW: 1.0,
        EventType.CLICK: 1.0,
        EventType.LIKE: 3.0,
        EventType.DISLIKE: -3.0,
        EventType.PURCHASE: 5.0,
        EventType.IMPRESSION: 0.0,
        EventType.DWELL: 1.0,
    }
)


class EventWeights:
    """How much each type of event counts, in counters and in training examples.

    Args:
        weights: By type; a type that is not named keeps its default. Finite.
    """

    def __init__(self, weights: Mapping[EventType, float] = MappingProxyType({})) -> None:
        self._weights = {**_DEFAULTS, **weights}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads weights such as `like=4,impression=-0.1`; an empty text leaves the defaults.

        Raises:
            ValueError: a name is no type of event, or a weight is no finite number.
        """
        weights: dict[EventType, float] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, equals, number = part.partition("=")
            try:
                kind, weight = EventType[name.strip().upper()], float(number)
            except (KeyError, ValueError):
                kind, weight = EventType.VIEW, math.nan
            if not equals or not math.isfinite(weight):
                names = ", ".join(kind.name.lower() for kind in EventType)
                raise ValueError(f"{part!r} is no weight; write name=number with a name of {names}")
            weights[kind] = weight
        return cls(weights)

    def of(self, kind: int, dwell_seconds: float = 0.0) -> float:
        """Returns what one event counts.

        Args:
            kind: An `EventType`.
            dwell_seconds: Of a dwell; it counts its weight once a minute, five times at most.
        """
        weight = self._weights[EventType(kind)]
        if kind == EventType.DWELL:
            return weight * min(dwell_seconds / DWELL_UNIT_SECONDS, MAX_DWELL_UNITS)
        return weight
