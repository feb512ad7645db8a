"""Latencies: every one counts, to three significant digits, and those of several processes can be put together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self

from hdrh.histogram import HdrHistogram

_LOWEST_MICROSECONDS = 1
_HIGHEST_MICROSECONDS = 3_600_000_000  # an hour; what is longer counts as that
_SIGNIFICANT_DIGITS = 3


@dataclass(frozen=True)
class Percentiles:
    """Latencies in milliseconds."""

    p50: float
    p90: float
    p99: float
    p999: float
    max: float

    def as_dict(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


class LatencyHistogram:
    """How often each latency was seen."""

    def __init__(self) -> None:
        self._counts = HdrHistogram(_LOWEST_MICROSECONDS, _HIGHEST_MICROSECONDS, _SIGNIFICANT_DIGITS)

    def __len__(self) -> int:
        return int(self._counts.get_total_count())

    def record(self, seconds: float) -> None:
        """Counts one latency."""
        microseconds = round(seconds * 1e6)
        self._counts.record_value(min(max(microseconds, _LOWEST_MICROSECONDS), _HIGHEST_MICROSECONDS))

    def add(self, other: Self) -> None:
        """Counts all that `other` has counted."""
        self._counts.add(other._counts)

    def percentiles(self) -> Percentiles:
        """Returns the percentiles; all 0 when nothing was counted."""
        if not len(self):
            return Percentiles(0, 0, 0, 0, 0)
        p50, p90, p99, p999 = (self._counts.get_value_at_percentile(p) / 1e3 for p in (50, 90, 99, 99.9))
        return Percentiles(p50, p90, p99, p999, self._counts.get_max_value() / 1e3)

    def encode(self) -> bytes:
        """Returns it for another process."""
        encoded: bytes = self._counts.encode()
        return encoded

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Returns what another process encoded."""
        histogram = cls()
        histogram._counts = HdrHistogram.decode(encoded)
        return histogram
