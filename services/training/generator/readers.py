"""Readers: what they say about themselves, and the tastes that go with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.datasets import User
from services.training.generator.vectors import Factors, unit

REGIONS = ("Northport", "Eastvale", "Southmere", "Westhaven", "Lakeland", "Highmoor", "Riverside", "Old Town")

# Some people do not fill in forms: models must cope with an attribute that is missing.
_SHARE_WITHOUT_ATTRIBUTE = 0.1
# A category appeals most at one age and clearly less this many years away from it.
_AGE_WIDTH = 14.0


@dataclass(frozen=True, slots=True, eq=False)
class Readers:
    """Everybody who reads.

    Attributes:
        users: with the attributes "age" (years) and "region", either of which may be missing.
        first_tastes: float32 [users, d] unit vectors, see `Truth`.
        last_tastes: float32 [users, d] unit vectors, see `Truth`.
    """

    users: tuple[User, ...]
    first_tastes: Factors
    last_tastes: Factors


def draw_readers(count: int, centroids: Factors, rng: np.random.Generator) -> Readers:
    """Draw `count` readers whose tastes lean to what is read at their age and in their region.

    Args:
        count: how many.
        centroids: float32 [categories, d], as `Catalogue` has them.
        rng: where they are drawn from.
    """
    categories = len(centroids)
    ages = np.clip(np.round(rng.normal(41, 15, size=count)), 14, 90)
    regions = rng.integers(len(REGIONS), size=count)
    favourite_ages = rng.uniform(18, 70, size=categories)
    by_age = -0.5 * ((ages[:, None] - favourite_ages) / _AGE_WIDTH) ** 2
    by_region = rng.normal(0, 1.2, size=(len(REGIONS), categories))[regions]
    leaning = by_age + by_region
    first = _interests(leaning, rng) @ centroids
    later = _interests(leaning, rng) @ centroids
    first_tastes = unit(unit(first) + 0.08 * rng.standard_normal(first.shape))
    # Nobody becomes someone else in half a year: the later interests are added to the first.
    return Readers(
        users=_users(ages, regions, rng),
        first_tastes=first_tastes,
        last_tastes=unit(first_tastes + 0.8 * unit(later)),
    )


def _interests(leaning: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Weights over categories, [users, categories]: a few strong ones each, drawn around the leaning."""
    logits = 1.5 * (leaning + rng.normal(0, 1.0, size=leaning.shape))
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _users(ages: npt.NDArray[np.float64], regions: npt.NDArray[np.int64], rng: np.random.Generator) -> tuple[User, ...]:
    told_age, told_region = rng.random((2, len(ages))) >= _SHARE_WITHOUT_ATTRIBUTE
    users = []
    for row in range(len(ages)):
        attributes: dict[str, str | float] = {}
        if told_age[row]:
            attributes["age"] = float(ages[row])
        if told_region[row]:
            attributes["region"] = REGIONS[regions[row]]
        users.append(User(id=f"reader-{row + 1:05d}", attributes=attributes))
    return tuple(users)
