"""When calls are sent: how long, how many, and in an open loop at which moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """A run is bounded in time and in calls, whichever ends first.

    Attributes:
        warmup: Seconds in front in which calls are made but not counted.
        seconds: How long is measured after it.
        calls: The most calls to make, those of the warm-up included.
    """

    warmup: float
    seconds: float
    calls: int


def constant_rate(start: float, rate: float, bounds: Bounds) -> Iterator[float]:
    """Yields the moments at which calls are due, `rate` a second from `start` on."""
    end = start + bounds.warmup + bounds.seconds
    for number in range(bounds.calls):
        due = start + number / rate  # not summed up: errors would add up to a drift
        if due >= end:
            return
        yield due
