"""What a caller is told: the chosen items alone become objects."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Candidates
from services.gateway.degradation import Degradation, Stage
from services.gateway.run import Run
from services.gateway.selection import Scored
from services.gateway.snapshot import GatewaySnapshot
from shared.snapshot.catalogue import CatalogueItem


# A tuple: a frozen dataclass takes four times as long to make, and every answer has twenty of them.
class Recommendation(NamedTuple):
    """One recommended item.

    Attributes:
        item: The item.
        score: What the order is by; 0 where the item was not scored.
        objective_scores: By objective; empty where the item was not ranked.
        hits: The channels that found the item, each with its score.
        backfilled: Whether no channel found it: it comes from what is popular.
        propensity: How probable it was in its place, given those above it; in (0, 1].
    """

    item: CatalogueItem
    score: float = 0.0
    objective_scores: Mapping[str, float] = MappingProxyType({})
    hits: tuple[tuple[str, float], ...] = ()
    backfilled: bool = False
    propensity: float = 1.0


@dataclass(frozen=True)
class Answer:
    """An answer and how it came about.

    Attributes:
        items: Best first.
        snapshot_id: The snapshot that everything comes from.
        degradations: What was done without.
        timings: Each stage and how long it took, in seconds.
        removed: How many candidates each filter removed.
        known_user: Whether the feature store knows the user.
        arm: The experiment and its arm that served the request; empty where none did.
    """

    items: Sequence[Recommendation]
    snapshot_id: str
    degradations: Sequence[Degradation]
    timings: Sequence[tuple[Stage, float]]
    removed: Mapping[str, int]
    known_user: bool = False
    arm: str = ""

    @classmethod
    def of(cls, run: Run, items: Sequence[Recommendation], known_user: bool = False) -> "Answer":
        """Returns the answer that a run came to."""
        return cls(items, run.snapshot.id, run.degradations, run.timings, run.removed, known_user, run.treatment.arm)


def describe(
    scored: Scored,
    positions: NDArray[np.intp],
    snapshot: GatewaySnapshot,
    propensities: NDArray[np.float64] | None = None,
) -> list[Recommendation]:
    """Returns the candidates at the positions, in that order; without propensities, each has 1."""
    totals = scored.totals[positions].tolist()
    hits = scored.candidates.hits(positions)
    return [
        Recommendation(
            snapshot.catalogue[row],
            total if total != -math.inf else 0.0,
            objectives if total != -math.inf else {},
            found,
            not found,
            propensity,
        )
        for row, total, objectives, found, propensity in zip(
            scored.candidates.rows[positions].tolist(),
            totals,
            _objectives(scored, positions, snapshot.manifest.objectives),
            hits,
            repeat(1.0, len(positions)) if propensities is None else propensities.tolist(),
            strict=True,
        )
    ]


def describe_popular(candidates: Candidates, snapshot: GatewaySnapshot) -> list[Recommendation]:
    """Returns items that fill up an answer and were never scored."""
    return [Recommendation(snapshot.catalogue[row], backfilled=True) for row in candidates.rows.tolist()]


def _objectives(scored: Scored, positions: NDArray[np.intp], names: Sequence[str]) -> Iterable[Mapping[str, float]]:
    if scored.objective_scores is None:
        return repeat({}, len(positions))
    return (dict(zip(names, scores, strict=True)) for scores in scored.objective_scores[positions].tolist())
