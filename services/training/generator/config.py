"""What can be chosen about a generated data set."""

from __future__ import annotations

from dataclasses import dataclass

# Enough events to learn a user from and still hold two out.
MIN_EVENTS_PER_USER = 5
# A reader who has read most of the catalogue would be left with what nobody likes.
MAX_SHARE_OF_CATALOGUE = 0.25


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    """The size of the data set and how hard it is to predict.

    Attributes:
        seed: equal configurations give equal data sets, byte for byte, on the same version of numpy.
        users: how many readers, at least 2.
        items: how many books, at least 64.
        events: about how many events, at least `MIN_EVENTS_PER_USER` a user; rounding and the limit on what one
            reader can read leave slightly fewer.
        days: how long the readers are watched, at least 1.
        noise: the share of events in which a reader picks any book, whatever the taste: 0 to 1.

    Raises:
        ValueError: a value is out of its range; the message names it.
    """

    seed: int = 7
    users: int = 3_000
    items: int = 2_000
    events: int = 120_000
    days: int = 180
    noise: float = 0.05

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be generated."""
        for field, value, minimum in (("seed", self.seed, 0), ("users", self.users, 2), ("items", self.items, 64)):
            if value < minimum:
                raise ValueError(f"{field} must be at least {minimum}, not {value}")
        if self.days < 1:
            raise ValueError(f"days must be at least 1, not {self.days}")
        if not 0.0 <= self.noise <= 1.0:
            raise ValueError(f"noise must be between 0 and 1, not {self.noise}")
        fewest = self.users * MIN_EVENTS_PER_USER
        most = self.users * int(self.items * MAX_SHARE_OF_CATALOGUE) // 2
        if not fewest <= self.events <= most:
            raise ValueError(f"events must be between {fewest} and {most} for these users and items, not {self.events}")
