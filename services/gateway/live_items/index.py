"""Which items have a category or attribute, with what changed since the snapshot."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.gateway.catalogue_index import CatalogueIndex
from services.gateway.query import Condition
from shared.snapshot.catalogue import CatalogueItem


class LiveIndex(CatalogueIndex):
    """Answers conditions with masks over all rows, those of changed items included.

    Args:
        snapshot: Of the snapshot, n items.
        items: Those that were changed and are not withdrawn.
        rows: Their rows, from n on.
        shown: bool [rows], False for the rows that stand for no item any more.
    """

    def __init__(
        self,
        snapshot: CatalogueIndex,
        items: Sequence[CatalogueItem],
        rows: NDArray[np.int64],
        shown: NDArray[np.bool_],
    ) -> None:
        self._snapshot = snapshot
        self._changed = CatalogueIndex(items, vocabulary=snapshot.vocabulary)
        self.vocabulary = self._changed.vocabulary
        self.items = len(shown)
        self._rows = rows
        self._shown = shown
        self._place_of = np.zeros(len(shown) - snapshot.items, dtype=np.uint32)
        self._place_of[rows - snapshot.items] = np.arange(len(rows))

    def matching(self, conditions: Iterable[Condition]) -> NDArray[np.bool_] | None:
        """Returns bool [rows], True where every condition holds for an item; None when there are no conditions."""
        several = tuple(conditions)
        known, changed = self._snapshot.matching(several), self._changed.matching(several)
        if known is None or changed is None:
            return None
        mask = np.zeros(self.items, dtype=np.bool_)
        mask[: len(known)] = known
        mask[self._rows] = changed
        mask &= self._shown
        return mask

    def category_codes(self, rows: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Returns, for each category of each of `rows`, the position in `rows` and the category's code."""
        known = rows < self._snapshot.items
        if known.all():
            return self._snapshot.category_codes(rows)
        owners, codes = self._snapshot.category_codes(rows[known])
        places = self._place_of[rows[~known] - self._snapshot.items]
        changed_owners, changed_codes = self._changed.category_codes(places)
        return (
            np.concatenate([np.flatnonzero(known)[owners], np.flatnonzero(~known)[changed_owners]]),
            np.concatenate([codes, changed_codes]),
        )
