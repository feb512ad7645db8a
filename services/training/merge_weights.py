"""How many of the candidates each channel may contribute: learned on validation, and what each of them adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.config import MergeConfig
from services.training.merged_places import MergedPlaces

Shares = npt.NDArray[np.float64]

#: By what a quota is multiplied or divided, coarse first.
_FACTORS = (4.0, 2.0, 1.25)


@dataclass(frozen=True, slots=True)
class MergeFit:
    """How the channels' candidates become one list.

    Attributes:
        quotas: Of each channel.
        configured: Share of the validation queries whose target is among the candidates with the configured quotas.
        learned: The same with `quotas`.
        queries: How many validation queries decided; 0 where the quotas are as configured.
    """

    quotas: dict[str, float]
    configured: float = 0.0
    learned: float = 0.0
    queries: int = 0

    def table(self) -> dict[str, float]:
        """Returns what reports say of the choice; empty where there was none."""
        if not self.queries:
            return {}
        return {"configured": self.configured, "learned": self.learned, "queries": self.queries}


def learn_quotas(
    places: MergedPlaces, configured: Mapping[str, float], size: int, queries: int, config: MergeConfig
) -> MergeFit:
    """Chooses the quotas whose merged lists hold the most targets.

    Coordinate search: one quota at a time is multiplied or divided, the best change is kept, and the changes become finer
    where none is better. What is not better by `min_gain` changes nothing, so that no quota follows the noise of a few
    queries.

    Args:
        places: Of the targets of validation queries.
        configured: The quotas to begin with, of each channel.
        size: Places of the merged list.
        queries: How many there are.
        config: Limits.
    """

    def found(quotas: Sequence[float]) -> float:
        return float((places.places(quotas) <= size).mean())

    before = now = found(list(configured.values()))
    chosen = _shares(np.asarray(list(configured.values())), config.min_share)
    for factor in _FACTORS:
        while True:
            changes = [
                _changed(chosen, channel, by, config.min_share)
                for channel in range(len(chosen))
                for by in (factor, 1 / factor)
            ]
            worth = [found(change.tolist()) for change in changes]
            best = int(np.argmax(worth))
            if worth[best] < now + max(config.min_gain, 1e-9):
                break
            chosen, now = changes[best], worth[best]
    if now <= before:
        return MergeFit(dict(configured), before, before, queries)
    quotas = {name: round(share, 4) for name, share in zip(configured, chosen.tolist(), strict=True)}
    return MergeFit(quotas, before, found(list(quotas.values())), queries)


def contributions(places: MergedPlaces, quotas: Mapping[str, float], size: int) -> dict[str, dict[str, float]]:
    """Returns for each channel its share, how many targets it finds by itself, and how many more all find for having it.

    Args:
        places: Of the targets.
        quotas: Of each channel.
        size: Places of the merged list.

    Returns:
        `quota`, as a share of all; `alone` and `adds`, as shares of the queries.
    """
    total = sum(quotas.values())

    def found(kept: Mapping[str, float]) -> float:
        return float((places.places([kept.get(name, 0.0) for name in quotas]) <= size).mean())

    everything = found(quotas)
    return {
        name: {
            "quota": quota / total,
            "alone": found({name: quota}),
            "adds": everything - found({other: share for other, share in quotas.items() if other != name}),
        }
        for name, quota in quotas.items()
    }


def _changed(shares: Shares, channel: int, by: float, least: float) -> Shares:
    changed = shares.copy()
    changed[channel] *= by
    return _shares(changed, least)


def _shares(quotas: Shares, least: float) -> Shares:
    """Quotas that sum to 1, none below `least`."""
    shares: Shares = quotas / quotas.sum()
    while (below := shares < least).any():
        # What the small ones get the others give, by which another may come to be small.
        kept = shares > least
        shares[below] = least
        shares[kept] *= (1 - least * (~kept).sum()) / shares[kept].sum()
    return shares
