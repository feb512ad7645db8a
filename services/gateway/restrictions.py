"""What an answer must not hold and must meet: known once the user is, and the same for candidates and backfill."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from services.gateway.candidates import Rows
from services.gateway.filters import ConditionFilter, DuplicateFilter, Filter, RowFilter
from services.gateway.query import Condition
from services.gateway.snapshot import GatewaySnapshot


@dataclass(frozen=True)
class Restrictions:
    """What must not be shown.

    Attributes:
        blocked: uint32, rows that recall need not find: excluded and seen.
        filters: In the order in which they run.
        passing: The share of the catalogue that meets the conditions, in [0, 1].
    """

    blocked: Rows
    filters: tuple[Filter, ...]
    passing: float

    @classmethod
    def of(
        cls, snapshot: GatewaySnapshot, excluded: Rows, seen: Rows, conditions: Iterable[Condition]
    ) -> "Restrictions":
        """Returns the restrictions for one request.

        Args:
            snapshot: Whose rows and attributes they are.
            excluded: uint32, rows that the caller named.
            seen: uint32, rows that the user has seen; empty when they may be shown again.
            conditions: All of them must hold.
        """
        items = len(snapshot.catalogue)
        matching = snapshot.index.matching(conditions)
        filters = (
            DuplicateFilter(),
            RowFilter("excluded", excluded, items),
            RowFilter("seen", seen, items),
            ConditionFilter(matching),
        )
        passing = 1.0 if matching is None or items == 0 else float(np.count_nonzero(matching)) / items
        return cls(np.concatenate([excluded, seen]), filters, passing)

    def fetch(self, wanted: int, most: int) -> int:
        """Returns how many candidates to ask for so that about `wanted` meet the conditions, at most `most`."""
        return max(wanted, min(most, math.ceil(wanted / self.passing))) if self.passing else wanted
