"""A circuit breaker: a neighbour that is down costs a request nothing, instead of a timeout or rounds of retries."""

import time
from collections.abc import Callable


class Circuit:
    """Counts failures in a row; after so many it is open, and lets one call through in a while to see.

    Args:
        failures: How many in a row open it.
        seconds: How long it stays open before the next call is let through.
        clock: Monotonic, in seconds.
    """

    def __init__(self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._threshold = failures
        self._seconds = seconds
        self._clock = clock
        self._failures = 0
        self._closed_from = 0.0

    def allows(self) -> bool:
        """Returns whether to call. While the circuit is open, one caller in a while hears yes, and tries."""
        if self._failures < self._threshold:
            return True
        now = self._clock()
        if now < self._closed_from:
            return False
        self._closed_from = now + self._seconds  # the others wait for what this one finds
        return True

    def succeeded(self) -> None:
        """Notes that the neighbour answered."""
        self._failures = 0

    def failed(self) -> None:
        """Notes that it did not."""
        self._failures += 1
        if self._failures >= self._threshold:
            self._closed_from = self._clock() + self._seconds
