"""How the questions of several requests go together."""

import math
from dataclasses import dataclass

from shared.batching import BatchLimits


@dataclass(frozen=True)
class Batching:
    """How the questions to each neighbour go together.

    Attributes:
        entries: The most questions of a batch; 1 turns batching off.
        waiting: The most questions that wait for a place in one.
        in_flight: The most batches of a method that are under way at once.
    """

    entries: int = 32
    waiting: int = 1024
    in_flight: int = 1

    def limits(self, weight: int, company: float = math.inf) -> BatchLimits:
        """Returns the limits for a method whose batches may weigh as much as `weight`, and need so much `company`."""
        return BatchLimits(self.entries, weight, self.waiting, self.in_flight, company)
