"""Because of which items of the history an item stands where it stands: what its score would lose without each of them.

Every item of the history is left out in turn and the rest is scored again, which is exact for that question and asks
nothing of the model: occlusion, as Zeiler and Fergus did it to images (Visualizing and Understanding Convolutional Networks,
ECCV 2014, section 4.2). Items that say the same are each said to matter little: without one, the other still speaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.gateway.attribution import COALITIONS
from services.gateway.candidates import Rows
from services.gateway.explanation import HistoryReason
from services.gateway.inspection import ScoringQuery
from services.gateway.live_items.stand_ins import MAX_ROWS, RankedRows
from services.gateway.neighbours import User
from services.gateway.selection import weighed_totals
from services.gateway.snapshot import GatewaySnapshot

#: An item has at most so many reasons: more are not read.
MOST_REASONS = 3


@dataclass(frozen=True)
class Omissions:
    """What to score to know what the history contributes.

    Attributes:
        omitted: Rows of the items that are left out, each of them everywhere in the history, newest first.
        queries: For each of them all explained rows, for the user without it.
    """

    omitted: Sequence[int]
    queries: Sequence[ScoringQuery]

    @classmethod
    def of(cls, user: User, rows: Rows, features: NDArray[np.float32]) -> "Omissions":
        """Leaves out each item of the history, the newest first, as many as one call of ranking takes beside coalitions.

        Args:
            user: As ranking was told.
            rows: uint32 [n], what the explained items are ranked as; at least one.
            features: float32 [n, item features].
        """
        newest_first = list(dict.fromkeys(user.history[::-1].tolist()))
        omitted = newest_first[: MAX_ROWS // len(rows) - COALITIONS]
        queries = [
            ScoringQuery(
                User(user.features, user.history[user.history != row], user.seen[:0], user.known), rows, features
            )
            for row in omitted
        ]
        return cls(omitted, queries)

    def reasons(
        self,
        snapshot: GatewaySnapshot,
        ranked: RankedRows,
        whole: NDArray[np.float32],
        without: Sequence[NDArray[np.float32]],
        weights: Sequence[float],
    ) -> list[tuple[HistoryReason, ...]]:
        """Returns for each explained item what speaks most for it; what speaks against it is no reason.

        Args:
            snapshot: Whose rows they are.
            ranked: What the items are ranked as.
            whole: float32 [n, objectives], with the whole history.
            without: The same for each of `queries`.
            weights: One for each objective.
        """
        if not self.omitted:
            return [()] * len(ranked.candidates)
        score = weighed_totals(ranked.reduce(whole), weights)
        losses = np.stack([score - weighed_totals(ranked.reduce(one), weights) for one in without])
        return [self._best(snapshot, of_item) for of_item in losses.T]

    def _best(self, snapshot: GatewaySnapshot, losses: NDArray[np.float64]) -> tuple[HistoryReason, ...]:
        order = np.argsort(-losses, kind="stable")[:MOST_REASONS].tolist()
        return tuple(
            HistoryReason(snapshot.catalogue[self.omitted[place]], float(losses[place]))
            for place in order
            if np.isfinite(losses[place]) and losses[place] > 0
        )
