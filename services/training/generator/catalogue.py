"""The latent side of the catalogue: categories, factors, quality and release of every book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from services.training.generator.vectors import Factors, unit
from services.training.generator.vocabulary import CategoryVocabulary

# Room for what the categories do not say: two books of one category still differ.
EXTRA_DIMENSIONS = 8

PERIOD_START = datetime(2026, 3, 1, tzinfo=UTC)
PERIOD_START_MS = int(PERIOD_START.timestamp()) * 1000
DAY_MS = 86_400_000

_OLDEST_YEAR = 1950
_SHARE_RELEASED_BEFORE = 0.7
_SHARE_OF_TWO_CATEGORIES = 0.45
# The scale of an exponential: exp(quality), and with it popularity, then has a Pareto tail with index 1 / 0.7.
_QUALITY_SCALE = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """What is drawn for every book before words are put to it; books are in order of release.

    Attributes:
        centroids: float32 [categories, d], orthogonal unit vectors.
        primary: [items] rows of the vocabulary.
        secondary: [items] rows of the vocabulary, -1 for books of a single category.
        factors: float32 [items, d] unit vectors.
        follow_factors: float32 [items, d] unit vectors, see `Truth`.
        quality: float32 [items], see `Truth`.
        released_at: int64 [items], non-decreasing, milliseconds since 1970-01-01T00:00:00Z.
    """

    centroids: Factors
    primary: npt.NDArray[np.int64]
    secondary: npt.NDArray[np.int64]
    factors: Factors
    follow_factors: Factors
    quality: Factors
    released_at: npt.NDArray[np.int64]

    @property
    def years(self) -> npt.NDArray[np.int64]:
        """The year of release of every book: int64 [items]."""
        return self.released_at.astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64) + 1970


def draw_catalogue(
    items: int, days: int, vocabulary: Sequence[CategoryVocabulary], rng: np.random.Generator
) -> Catalogue:
    """Draw the latent side of `items` books, some of them released during a period of `days` days."""
    categories = len(vocabulary)
    centroids = _orthonormal(categories, categories + EXTRA_DIMENSIONS, rng)
    shares = rng.dirichlet(np.full(categories, 8.0))
    primary = rng.choice(categories, size=items, p=shares)
    # Adding 1 to categories - 1 modulo the number of categories never gives the primary category again.
    secondary = (primary + rng.integers(1, categories, size=items)) % categories
    secondary[rng.random(items) >= _SHARE_OF_TWO_CATEGORIES] = -1
    second_part = np.where(secondary[:, None] >= 0, centroids[secondary], 0)
    factors = unit(centroids[primary] + 0.5 * second_part + 0.18 * rng.standard_normal((items, centroids.shape[1])))
    names = [category.name for category in vocabulary]
    leads_to = np.array([names.index(category.leads_to) for category in vocabulary])
    return Catalogue(
        centroids=centroids,
        primary=primary,
        secondary=secondary,
        factors=factors,
        follow_factors=unit(factors + centroids[leads_to[primary]]),
        quality=rng.exponential(_QUALITY_SCALE, size=items).astype(np.float32),
        released_at=_release_times(items, days, rng),
    )


def _orthonormal(rows: int, dimensions: int, rng: np.random.Generator) -> Factors:
    return unit(np.linalg.qr(rng.standard_normal((dimensions, rows)))[0].T)


def _release_times(items: int, days: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Mostly before the period, more of them lately than long ago, and the others spread over its days."""
    before = int(items * _SHARE_RELEASED_BEFORE)
    oldest_ms = int(datetime(_OLDEST_YEAR, 1, 1, tzinfo=UTC).timestamp()) * 1000
    # The beta distribution leans towards the start of the period.
    earlier = oldest_ms + rng.beta(4.0, 1.0, size=before) * (PERIOD_START_MS - oldest_ms)
    during = PERIOD_START_MS + rng.random(items - before) * days * DAY_MS
    return np.sort(np.concatenate([earlier, during]).astype(np.int64))
