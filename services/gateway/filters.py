"""What must not be shown. A filter returns what it keeps and what it removes; the pipeline lists them in order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Candidates, Rows


@dataclass(frozen=True)
class Filtered:
    """What a filter made of candidates; each is in one of the two, the order is kept."""

    kept: Candidates
    removed: Candidates


class Filter(Protocol):
    """Splits candidates in those that may be shown and the others."""

    @property
    def name(self) -> str:
        """What the filter is called in metrics."""
        ...

    def split(self, candidates: Candidates) -> Filtered:
        """Returns every candidate, kept or removed."""
        ...


class DuplicateFilter:
    """Removes a candidate that stands further up already."""

    name = "duplicate"

    def split(self, candidates: Candidates) -> Filtered:
        """Keeps the first of each row."""
        ordered = np.sort(candidates.rows)
        if not (ordered[1:] == ordered[:-1]).any():  # the usual case: recall finds nothing twice
            return _split(candidates, None)
        first = np.unique(candidates.rows, return_index=True)[1]
        keep = np.zeros(len(candidates), dtype=np.bool_)
        keep[first] = True
        return _split(candidates, keep)


class RowFilter:
    """Removes given rows, such as those that the user has seen.

    Args:
        name: What the filter is called in metrics.
        rows: The rows to remove, in any order.
    """

    def __init__(self, name: str, rows: Rows) -> None:
        self.name = name
        # Searched rather than looked up in a mask: a mask of a million items costs more than all the rest.
        self._rows = np.sort(rows)

    def split(self, candidates: Candidates) -> Filtered:
        """Keeps what is none of the rows."""
        if not len(self._rows) or not _have_common(np.sort(candidates.rows), self._rows):
            return _split(candidates, None)
        return _split(candidates, np.isin(candidates.rows, self._rows, invert=True))


class ConditionFilter:
    """Removes what does not meet the caller's conditions.

    Args:
        matching: bool [items], True for the rows that meet them; None where there are no conditions.
    """

    name = "attributes"

    def __init__(self, matching: NDArray[np.bool_] | None) -> None:
        self._matching = matching

    def split(self, candidates: Candidates) -> Filtered:
        """Keeps what meets the conditions."""
        return _split(candidates, None if self._matching is None else self._matching[candidates.rows])


def apply_filters(filters: Iterable[Filter], candidates: Candidates) -> tuple[Candidates, dict[str, int]]:
    """Runs filters in order.

    Returns:
        What all of them keep, and how many each removed, by name.
    """
    removed: dict[str, int] = {}
    for one in filters:
        filtered = one.split(candidates)
        candidates = filtered.kept
        removed[one.name] = len(filtered.removed)
    return candidates, removed


def popular_candidates(popular_rows: Rows, filters: Sequence[Filter], count: int) -> Candidates:
    """Returns up to `count` of the most popular items that pass all filters; fewer only when no more exist.

    Args:
        popular_rows: uint32 [items], the most popular first.
        filters: What must not be shown.
        count: How many to find.
    """
    found = [popular_rows[:0]]
    missing, position, width = count, 0, 2 * count
    while missing > 0 and position < len(popular_rows):
        chunk = Candidates.found_by_none(popular_rows[position : position + width])
        kept = apply_filters(filters, chunk)[0].rows[:missing]
        found.append(kept)
        missing -= len(kept)
        position += width
        width *= 2  # a filter that lets few pass is not walked through in small steps
    return Candidates.found_by_none(np.concatenate(found))


def _have_common(ordered: Rows, rows: Rows) -> bool:
    """Returns whether one of `rows` is among the ordered ones: the usual answer, no, at a third of a mask's cost."""
    if not len(ordered):
        return False
    places = np.searchsorted(ordered, rows)
    places[places == len(ordered)] = 0  # beyond the last; it differs from the first all the more
    return bool((ordered[places] == rows).any())


def _split(candidates: Candidates, keep: NDArray[np.bool_] | None) -> Filtered:
    if keep is None or keep.all():  # the usual case: recall was told what to leave out
        return Filtered(candidates, candidates.take(slice(0)))
    return Filtered(candidates.take(keep), candidates.take(~keep))
