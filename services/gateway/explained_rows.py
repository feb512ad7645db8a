"""The items that are explained, as the models know them: what they are ranked as, and by which features."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.gateway.attribution import COALITIONS
from services.gateway.candidates import Candidates, Rows
from services.gateway.explanation import FeatureValue
from services.gateway.feature_values import item_feature_values
from services.gateway.inspection import ItemFeatures
from services.gateway.live_items.stand_ins import MAX_ROWS, RankedRows, with_stand_ins
from services.gateway.snapshot import GatewaySnapshot
from services.gateway.trace import Trace


@dataclass(frozen=True)
class ExplainedRows:
    """Explained items that the models can make something of.

    Attributes:
        ranked: What they are ranked as.
        stored: The features of `ranked.rows`.
    """

    ranked: RankedRows
    stored: ItemFeatures

    def features(self, names: Sequence[str]) -> dict[int, list[FeatureValue]]:
        """Returns each item's features by row; of one that others stand in for the means of theirs, without states."""
        rows = self.ranked.candidates.rows.tolist()
        means = ItemFeatures(self.ranked.reduce(self.stored.features))
        position = {row: place for place, row in enumerate(self.ranked.rows.tolist())}
        return {
            row: item_feature_values(names, self.stored, position[row])
            if row in position
            else item_feature_values(names, means, place)
            for place, row in enumerate(rows)
        }

    @property
    def stand_ins(self) -> dict[int, list[int]]:
        """The rows that stand in for each live item, most alike first."""
        candidates = self.ranked.candidates
        if candidates.stand_ins is None:
            return {}
        pairs = zip(candidates.rows.tolist(), candidates.stand_ins.tolist(), strict=True)
        return {row: list(dict.fromkeys(of_row)) for row, of_row in pairs if of_row[0] != row}


def ranked_as(rows: Rows, pools: Iterable[Candidates], snapshot: GatewaySnapshot) -> RankedRows:
    """Returns what items are ranked as; those of which nobody can say what they are like are left out.

    Args:
        rows: uint32 [n], the items.
        pools: What recall found, which says what stands in for an item.
        snapshot: Whose rows they are.
    """
    found: dict[int, list[int]] = {row: [row] for row in rows.tolist() if row < snapshot.items}
    for pool in pools:
        if pool.stand_ins is not None:
            found |= zip(pool.rows.tolist(), pool.stand_ins.tolist(), strict=True)
    rest = with_stand_ins(
        Candidates.found_by_none(rows[[row not in found for row in rows.tolist()]]),
        snapshot,
    )
    if rest.stand_ins is not None:
        found |= zip(rest.rows.tolist(), rest.stand_ins.tolist(), strict=True)
    usable = rows[[row in found for row in rows.tolist()]]
    candidates = Candidates.found_by_none(usable)
    if len(usable) and int(usable.max()) >= snapshot.items:
        width = max(len(found[row]) for row in usable.tolist())
        padded = [found[row] + found[row][-1:] * (width - len(found[row])) for row in usable.tolist()]
        candidates = replace(candidates, stand_ins=np.array(padded, dtype=np.uint32))
    return RankedRows.of(candidates, MAX_ROWS // COALITIONS)


def explained_rows(ranked: RankedRows, stored: ItemFeatures | None, trace: Trace) -> ExplainedRows:
    """Returns the items with their features. What was ranked keeps the features that it was ranked by.

    Args:
        ranked: What the items are ranked as.
        stored: The features of these rows; None where they could not be read, and then only what was ranked is left.
        trace: What was ranked by which features.
    """
    used = {} if trace.features is None else dict(zip(trace.ranked_rows.rows.tolist(), trace.features, strict=True))
    if stored is None:
        candidates = ranked.candidates
        own = candidates.rows[:, np.newaxis] if candidates.stand_ins is None else candidates.stand_ins
        left = candidates.take(np.array([all(row in used for row in rows) for rows in own.tolist()], dtype=np.bool_))
        ranked = RankedRows.of(left)
        width = 0 if trace.features is None else trace.features.shape[1]
        stored = ItemFeatures(np.empty((len(ranked.rows), width), dtype=np.float32))
    features: NDArray[np.float32] = stored.features.copy()
    for place, row in enumerate(ranked.rows.tolist()):
        if row in used:
            features[place] = used[row]
    return ExplainedRows(ranked, ItemFeatures(features, stored.states))
