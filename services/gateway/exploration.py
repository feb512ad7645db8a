"""Showing now and then what is not the best by score, with the probability of it: what off-policy estimators need.

The items are drawn one place after the other, each with the probability softmax(worth / temperature) among those that
are left: the model of Luce (1959) and Plackett (1975), whose probabilities are known exactly, as policies that are
learnt from logs need them (Oosterhuis, 2021). Worth is in standard deviations of the candidates' scores, so that a
temperature means the same for every ranker: at 0.1 little moves, at 1 the order is loose, far above it is chance.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.gateway.selection import Scored, best_first, select
from services.gateway.treatment import Treatment

#: A temperature below it is taken for it: the best is then chosen all the same, and nothing overflows.
LEAST_TEMPERATURE = 1e-6


@dataclass(frozen=True)
class Chosen:
    """The candidates to show.

    Attributes:
        positions: Into the candidates, the first place first.
        propensities: float64, as many, in (0, 1]: how probable each was in its place, given those above it. None:
            nothing was left to chance, all are 1.
    """

    positions: NDArray[np.intp]
    propensities: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Exploration:
    """How a draw goes.

    Attributes:
        temperature: Above 0.
        candidates: How many of the best by score are drawn from; at least as many as are shown.
        seed: The same draw for the same seed.
    """

    temperature: float
    candidates: int
    seed: str


def exploration_of(treatment: Treatment) -> Exploration | None:
    """Returns how the items of a request are drawn; None where they are not."""
    policy = treatment.policy
    return Exploration(policy.exploration, policy.explored, treatment.seed) if policy.exploration else None


def choose(
    scored: Scored,
    categories: NDArray[np.float32] | None,
    diversity: float,
    count: int,
    exploration: Exploration | None,
) -> Chosen:
    """Chooses the candidates to show, by score or by chance.

    Candidates that were not ranked stay in recall's order, and one that could not be scored comes last: neither is left
    to chance, and each has propensity 1 given those above it.

    Args:
        scored: The candidates.
        categories: float32 [n, categories], rows of length 1; None where variety is not asked for.
        diversity: How much to prefer variety over score, in [0, 1]. With exploration it lowers the worth of what is like
            the items above, as it does without; so the probabilities are those of the varied order.
        count: How many to choose; fewer when there are fewer.
        exploration: How they are drawn; None for the best.
    """
    if exploration is None or scored.objective_scores is None:
        return Chosen(select(scored, categories, diversity, count))
    order = best_first(scored.totals, len(scored.totals))
    usable = int(np.isfinite(scored.totals).sum())
    pool = order[: min(usable, max(exploration.candidates, count))]
    relevance = _relevance(scored.totals, order[:usable])[: len(pool)]
    draw = _generator(exploration.seed)
    scale = (float(relevance.std()) if len(pool) else 0.0) or 1.0
    scale *= max(exploration.temperature, LEAST_TEMPERATURE)
    if categories is None or diversity == 0.0:
        picks, propensities = _draw(relevance / scale, count, draw)
    else:
        picks, propensities = _draw_varied(
            relevance, categories[pool], strength=diversity, scale=scale, count=count, draw=draw
        )
    rest = order[usable:][: count - len(picks)]
    return Chosen(np.concatenate([pool[picks], rest]), np.concatenate([propensities, np.ones(len(rest))]))


def _relevance(totals: NDArray[np.float64], order: NDArray[np.intp]) -> NDArray[np.float64]:
    """Returns the totals in that order, scaled to [0, 1] as selection scales them."""
    ordered = totals[order]
    spread = np.ptp(ordered) if len(ordered) else 0.0
    return (ordered - ordered[-1]) / spread if spread > 0 else np.zeros(len(ordered))


def _generator(seed: str) -> np.random.Generator:
    digest = hashlib.blake2b(seed.encode(), digest_size=16, person=b"exploration").digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


def _draw(
    worth: NDArray[np.float64], count: int, draw: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Draws all places at once: sorting by worth plus Gumbel noise is a draw from Plackett and Luce's model (Yellott, 1977).

    Returns:
        The positions drawn, the first place first, and the probability of each given those above it.
    """
    order = np.argsort(-(worth + draw.gumbel(size=len(worth))))
    ordered = worth[order]
    # In logarithms: what is left when the best are gone may be too small for what it is divided by.
    left = np.logaddexp.accumulate(ordered[::-1])[::-1]
    return order[:count], np.minimum(np.exp(ordered - left)[:count], 1.0)


def _draw_varied(
    relevance: NDArray[np.float64],
    categories: NDArray[np.float32],
    *,
    strength: float,
    scale: float,
    count: int,
    draw: np.random.Generator,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Draws place by place, because each item that is drawn changes what the others are worth.

    The noise is new in each place: with noise that was used before, the probabilities would not be those of the softmax.
    """
    count = min(count, len(relevance))
    likeness = np.zeros(len(relevance))
    picks = np.empty(count, dtype=np.intp)
    propensities = np.empty(count)
    for place in range(count):
        worth = ((1.0 - strength) * relevance - strength * likeness / max(place, 1)) / scale
        worth[picks[:place]] = -np.inf
        pick = int(np.argmax(worth + draw.gumbel(size=len(worth))))
        highest = worth.max()
        propensities[place] = np.exp(worth[pick] - highest) / np.exp(worth - highest).sum()
        picks[place] = pick
        likeness += categories @ categories[pick]
    return picks, propensities
