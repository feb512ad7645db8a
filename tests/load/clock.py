"""Time, as a seam: the tests of the load generator do not wait."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in seconds from any fixed moment, and waits."""

    def now(self) -> float:
        """The time."""
        ...

    async def sleep_until(self, moment: float) -> None:
        """Returns at `moment`, or at once when it has passed; others run in between either way."""
        ...


class SystemClock:
    """The machine's steady clock."""

    def now(self) -> float:
        """The time."""
        return time.perf_counter()

    async def sleep_until(self, moment: float) -> None:
        """Returns at `moment`, or at once when it has passed."""
        await asyncio.sleep(max(0.0, moment - self.now()))
