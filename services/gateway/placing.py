"""Where an item came on its way through the funnel."""

from collections.abc import Mapping

import numpy as np

from services.gateway.candidates import Candidates
from services.gateway.explanation import Outcome, Placing
from services.gateway.funnel import Funnel
from services.gateway.trace import Trace


class Places:
    """Looks up where items came. Of a row that was found twice the first place counts.

    Args:
        funnel: What was found.
        trace: What the stages made of it.
    """

    def __init__(self, funnel: Funnel, trace: Trace) -> None:
        self._funnel = funnel
        self._scored = trace.scored
        self._found = _positions(funnel.found)
        self._left_out = _positions(funnel.left_out)
        self._candidates = _positions(trace.scored.candidates)
        self._shown = {one.item.id: place for place, one in enumerate(trace.answer.items, start=1)}
        self._score_places = _score_places(trace)

    def of(self, row: int) -> Placing:
        """Returns where a row came."""
        place = self._shown.get(self._funnel.snapshot.catalogue[row].id, 0)
        removed_by = "" if place else self._funnel.removed_by(row)
        recall_place, hits = self._in_recall(row)
        candidate = self._candidates.get(row)
        total = -np.inf if candidate is None else float(self._scored.totals[candidate])
        return Placing(
            self._outcome(row, place, removed_by),
            place,
            recall_place,
            self._score_places.get(row, 0),
            removed_by,
            hits,
            total if np.isfinite(total) else 0.0,
        )

    def _outcome(self, row: int, place: int, removed_by: str) -> Outcome:
        if place:
            return Outcome.SHOWN
        if removed_by:
            return Outcome.REMOVED
        if row in self._candidates:
            return Outcome.NOT_CHOSEN
        return Outcome.NOT_RANKED if row in self._found else Outcome.NOT_FOUND

    def _in_recall(self, row: int) -> tuple[int, tuple[tuple[str, float], ...]]:
        """Returns the place in recall's list and the channels; of what is merely popular there is neither."""
        funnel = self._funnel
        if (position := self._found.get(row)) is not None:
            hits = funnel.found.hits(np.array([position]))[0]
            return (position + 1 if hits else 0), hits
        if (position := self._left_out.get(row)) is not None:
            return funnel.left_out_places[position], funnel.left_out.hits(np.array([position]))[0]
        return 0, ()


def _positions(candidates: Candidates) -> dict[int, int]:
    """Returns the position of each row; the first of one that is there twice."""
    rows = candidates.rows.tolist()
    return dict(zip(reversed(rows), reversed(range(len(rows))), strict=True))


def _score_places(trace: Trace) -> Mapping[int, int]:
    """Returns the place of each row that was ranked, by its score, from 1 on; equal scores keep recall's order."""
    scored = trace.scored
    if scored.objective_scores is None:
        return {}
    order = np.argsort(-scored.totals, kind="stable")
    order = order[np.isfinite(scored.totals[order])]
    return {row: place for place, row in enumerate(scored.candidates.rows[order].tolist(), start=1)}
