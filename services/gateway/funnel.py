"""What became of the candidates on their way through the filters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.gateway.answer import Answer
from services.gateway.candidates import Candidates, Rows
from services.gateway.degradation import Stage
from services.gateway.explanation import ChannelFunnel, FilterStep
from services.gateway.filters import DuplicateFilter, Filter, apply_filters
from services.gateway.snapshot import GatewaySnapshot

#: So many of the items that a filter removed are named.
MOST_NAMED = 100

#: Why a filter removes, by its name.
REASONS = {
    "duplicate": "it stands further up already",
    "excluded": "the request excludes it",
    "seen": "the user has seen it",
    "withdrawn": "it is withdrawn, or what an item was before it was changed",
    "attributes": "it does not meet the request's filters",
}


@dataclass(frozen=True)
class Funnel:
    """What recall found, what it was told to leave out, and what the filters make of both.

    Attributes:
        snapshot: Whose rows they are.
        found: What recall found, best first.
        left_out: What it would have found besides, had it not been told to leave it out, best first.
        left_out_places: The place that each of these would have had, from 1 on.
        filters: What must not be shown; none of them looks for duplicates.
    """

    snapshot: GatewaySnapshot
    found: Candidates
    left_out: Candidates
    left_out_places: Sequence[int]
    filters: tuple[Filter, ...]

    def __len__(self) -> int:
        return len(self.found) + len(self.left_out)

    def steps(self) -> list[FilterStep]:
        """Returns what each filter removed, in the order in which they ran."""
        steps = []
        found, left_out = self.found, self.left_out
        for one in (DuplicateFilter(), *self.filters):
            of_found, of_left_out = one.split(found), one.split(left_out)
            found, left_out = of_found.kept, of_left_out.kept
            removed = np.concatenate([of_found.removed.rows, of_left_out.removed.rows])
            named = tuple(self.snapshot.catalogue[row].id for row in removed[:MOST_NAMED].tolist())
            reason = REASONS.get(one.name, one.name)
            steps.append(FilterStep(one.name, reason, len(removed), len(of_left_out.removed), named))
        return steps

    def channels(self, answer: Answer) -> list[ChannelFunnel]:
        """Returns what became of what each channel found; the answer tells what failed and what is shown."""
        kept = apply_filters(self.filters, self.found)[0].rows
        failed = {one.channel for one in answer.degradations if one.stage is Stage.RECALL}
        shown = np.array([self.snapshot.catalogue.row_of(one.item.id) for one in answer.items], dtype=np.uint32)
        names = dict.fromkeys(channel.name for channel in self.snapshot.manifest.channels)
        names |= dict.fromkeys(self.found.channels)
        funnels = []
        for name in names:
            rows = np.concatenate([_found_by(name, self.found), _found_by(name, self.left_out)])
            funnels.append(
                ChannelFunnel(
                    name,
                    found=len(rows),
                    kept=int(np.isin(rows, kept).sum()),
                    shown=int(np.isin(rows, shown).sum()),
                    failed=name in failed or "" in failed,
                )
            )
        return funnels

    def removed_by(self, row: int) -> str:
        """Returns the first filter that removes a row, whether it was found or not; empty where none does."""
        alone = Candidates.found_by_none(np.array([row], dtype=np.uint32))
        return next((one.name for one in self.filters if len(one.split(alone).removed)), "")


def _found_by(channel: str, candidates: Candidates) -> Rows:
    """Returns the rows that a channel found, each once."""
    if channel not in candidates.channels:
        return candidates.rows[:0]
    bit = candidates.channels.index(channel)
    return np.unique(candidates.rows[candidates.found_by >> np.uint32(bit) & np.uint32(1) == 1])
