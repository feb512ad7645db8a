"""How much of each type of event there was lately: counts that halve with time.

An event counts 1 when it happens (a dwell as often as it has minutes, five times at most), and half as much each half-life
later. Kept as of the newest event, so that nothing need be rewritten as time passes, and events may come in any order.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Protocol

from shared.events import DWELL_UNIT_SECONDS, MAX_DWELL_UNITS, EventType, EventWeights

#: Slot t is of the type of number t; the slots are stored, so there are more than types to come for long.
_SLOTS = 16
_COUNTERS = struct.Struct(f"<q{_SLOTS}d")


class Counted(Protocol):
    """What counters need to know of an event."""

    @property
    def at_ms(self) -> int:
        """When, in milliseconds since 1970, UTC."""
        ...

    @property
    def type(self) -> int:
        """What was done, an `EventType`."""
        ...

    @property
    def dwell_seconds(self) -> float:
        """How long a dwell was."""
        ...


def count_events(encoded: bytes, events: Iterable[Counted], half_life_ms: float) -> bytes:
    """Returns counters with more events in them.

    Args:
        encoded: The counters so far; empty where there are none.
        events: What happened, in any order.
        half_life_ms: After this long a count is half of what it was.
    """
    as_of, *counts = _COUNTERS.unpack(encoded) if encoded else (-1, *[0.0] * _SLOTS)
    for event in events:
        units = min(event.dwell_seconds / DWELL_UNIT_SECONDS, MAX_DWELL_UNITS) if event.type == _DWELL else 1.0
        age = as_of - event.at_ms
        if age < 0:
            if as_of >= 0:
                faded = 0.5 ** (-age / half_life_ms)
                counts = [count * faded for count in counts]
            as_of = event.at_ms
            counts[event.type] += units
        else:
            counts[event.type] += units * 0.5 ** (age / half_life_ms)
    return _COUNTERS.pack(as_of, *counts)


_DWELL = int(EventType.DWELL)


def read_counts(encoded: bytes, now_ms: int, half_life_ms: float) -> dict[EventType, float]:
    """Returns the counts as of now, of the types that were counted."""
    if not encoded:
        return {}
    as_of, *counts = _COUNTERS.unpack(encoded)
    faded = 0.5 ** (max(0, now_ms - as_of) / half_life_ms)
    return {EventType(kind): count * faded for kind, count in enumerate(counts) if count > 0}


def weigh(counts: Mapping[EventType, float], weights: EventWeights) -> dict[EventType, float]:
    """Returns what the counts are worth, type by type."""
    return {kind: count * weights.of(kind, DWELL_UNIT_SECONDS) for kind, count in counts.items()}
