"""How long to wait before a process that ended is started again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """How long to wait before a restart: doubling from `first` to `longest`, anew after a steady run.

    Attributes:
        first: Seconds.
        longest: Seconds.
        steady: A process that ran for this many seconds is not one that fails at once.
    """

    first: float = 0.2
    longest: float = 5.0
    steady: float = 10.0

    def after(self, previous: float | None, ran: float) -> float:
        """Returns the pause after a process that ran for `ran` seconds and was started after `previous` seconds."""
        return self.first if previous is None or ran >= self.steady else min(previous * 2, self.longest)
