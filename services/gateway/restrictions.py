"""What an answer must not hold and must meet: known once the user is, and the same for candidates and backfill."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Candidates, Rows
from services.gateway.filters import ConditionFilter, Filter, RowFilter, popular_candidates
from services.gateway.query import Condition
from services.gateway.snapshot import GatewaySnapshot

#: When a smaller share of the catalogue meets the conditions, those items are sorted by popularity, instead of walking
#: through all items in the order of popularity until enough are met.
NARROW = 0.01


@dataclass(frozen=True)
class Restrictions:
    """What must not be shown.

    Attributes:
        snapshot: Whose rows and attributes they are.
        blocked: uint32, rows that recall need not find: excluded and seen.
        filters: In the order in which they run. None of them looks for duplicates: popular items have none.
        matching: bool [items], True for the rows that meet the conditions; None where there are no conditions.
    """

    snapshot: GatewaySnapshot
    blocked: Rows
    filters: tuple[Filter, ...]
    matching: NDArray[np.bool_] | None

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
        matching = snapshot.index.matching(conditions)
        filters = (
            RowFilter("excluded", excluded),
            RowFilter("seen", seen),
            *snapshot.standing_filters,
            ConditionFilter(matching),
        )
        return cls(snapshot, np.concatenate([excluded, seen]), filters, matching)

    @property
    def passing(self) -> float:
        """The share of the catalogue that meets the conditions, in [0, 1]."""
        if self.matching is None or not len(self.matching):
            return 1.0
        return int(np.count_nonzero(self.matching)) / len(self.matching)

    def fetch(self, wanted: int, most: int) -> int:
        """Returns how many candidates to ask for so that about `wanted` meet the conditions, at most `most`."""
        passing = self.passing
        return max(wanted, min(most, math.ceil(wanted / passing))) if passing else wanted

    def popular(self, count: int, shown: Rows | None = None) -> Candidates:
        """Returns up to `count` of the most popular items that may be shown; fewer only when no more exist.

        Args:
            count: How many to find.
            shown: uint32, rows that the answer has already.
        """
        rows = self.snapshot.popular_rows
        if self.matching is not None and self.passing < NARROW:
            rows = np.flatnonzero(self.matching).astype(np.uint32)
            rows = rows[np.argsort(self.snapshot.popularity_ranks[rows])]
        filters = self.filters
        if shown is not None:
            filters = (*filters, RowFilter("shown", shown))
        return popular_candidates(rows, filters, count)
