"""Which candidates make the answer, and in what order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Candidates


@dataclass(frozen=True)
class Scored:
    """Candidates and what they are ordered by.

    Attributes:
        candidates: In recall's order.
        totals: float64 [n]; minus infinity for a candidate that could not be scored.
        objective_scores: float32 [n, objectives], or None where they were not ranked.
    """

    candidates: Candidates
    totals: NDArray[np.float64]
    objective_scores: NDArray[np.float32] | None = None

    @property
    def complete(self) -> bool:
        """Whether every candidate could be scored."""
        return bool(np.isfinite(self.totals).all())


def weighed_totals(scores: NDArray[np.float32], weights: Sequence[float]) -> NDArray[np.float64]:
    """Returns the weighted sums of scores; -inf where a score is not finite.

    Args:
        scores: float32 [n, objectives].
        weights: One for each objective.
    """
    factors = np.asarray(weights, dtype=np.float64)
    finite = np.isfinite(scores)
    if finite.all():
        return scores.astype(np.float64) @ factors
    totals: NDArray[np.float64] = np.where(finite, scores, 0.0).astype(np.float64) @ factors
    totals[~finite.all(axis=1)] = -np.inf
    return totals


def ranked(candidates: Candidates, scores: NDArray[np.float32], weights: Sequence[float]) -> Scored:
    """Orders candidates by the weighted sum of their scores. One with a score that is not finite sinks to the end.

    Args:
        candidates: The candidates.
        scores: float32 [n, objectives].
        weights: One for each objective.
    """
    return Scored(candidates, weighed_totals(scores, weights), scores)


def in_recall_order(candidates: Candidates) -> Scored:
    """Orders candidates as they are: the score is the reciprocal of the place, 1, 1/2, 1/3 and so on."""
    return Scored(candidates, 1.0 / np.arange(1, len(candidates) + 1))


def select(scored: Scored, categories: NDArray[np.float32] | None, diversity: float, count: int) -> NDArray[np.intp]:
    """Returns the positions of the candidates to show, best first.

    Equal scores keep recall's order. Candidates that could not be scored come last.

    Args:
        scored: The candidates.
        categories: float32 [n, categories], rows of length 1; None where variety is not asked for.
        diversity: How much to prefer variety over score, in [0, 1].
        count: How many to choose; fewer when there are fewer.
    """
    if categories is None or diversity == 0.0:
        return best_first(scored.totals, count)
    order = best_first(scored.totals, len(scored.totals))
    usable = int(np.isfinite(scored.totals).sum())
    best = order[:usable]
    varied = best[_diversify(scored.totals[best], categories[best], diversity, count)]
    return np.concatenate([varied, order[usable:]])[:count]


def best_first(totals: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Returns the positions of the `count` highest, best first, equal ones in their order."""
    if count >= len(totals):
        return np.argsort(-totals, kind="stable")
    # Sorting only what may be shown: hundreds are scored where twenty are.
    chosen = np.flatnonzero(totals >= np.partition(totals, -count)[-count])
    return chosen[np.argsort(-totals[chosen], kind="stable")][:count]


def _diversify(
    totals: NDArray[np.float64], categories: NDArray[np.float32], strength: float, count: int
) -> NDArray[np.intp]:
    """Chooses one by one what is good and unlike what was chosen.

    A variant of maximal marginal relevance (Carbonell and Goldstein, 1998). Likeness is the mean, not the greatest,
    cosine similarity to the items chosen so far: with the greatest, a category that was shown once counts as much as
    one shown ten times, and variety ends after one round.

    Args:
        totals: float64 [n], finite, not rising.
        categories: float32 [n, categories], rows of length 1.
        strength: In [0, 1].
        count: How many to choose.
    """
    count = min(count, len(totals))
    spread = np.ptp(totals) if count else 0.0
    relevance = (totals - totals.min()) / spread if spread > 0 else np.zeros(len(totals))
    likeness = np.zeros(len(totals))
    chosen = np.empty(count, dtype=np.intp)
    for place in range(count):
        # Rounded, so that equal values computed in different lanes stay equal and the higher score wins.
        worth = np.round((1.0 - strength) * relevance - strength * likeness / max(place, 1), 6)
        worth[chosen[:place]] = -np.inf
        pick = int(np.argmax(worth))
        chosen[place] = pick
        likeness += categories @ categories[pick]
    return chosen
