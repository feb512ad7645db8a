"""How long the parts of a job take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Measures wall time by name, and the processor time of the process since it was made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._cpu_started = time.process_time()
        self._laps: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Adds the time in the context to `name`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._laps[name] = self._laps.get(name, 0.0) + time.perf_counter() - started

    def seconds(self) -> dict[str, float]:
        """Returns the wall time by name so far, and `total` since the stopwatch was made."""
        return {**self._laps, "total": time.perf_counter() - self._started}

    def cpu_seconds(self) -> float:
        """Returns the processor time of this process since the stopwatch was made."""
        return time.process_time() - self._cpu_started
