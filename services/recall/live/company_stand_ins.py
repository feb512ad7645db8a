"""Which known items stand in for a new one once people have taken it: more and more those that the same people take."""

import numpy as np

from services.recall.channel import Floats, Rows
from services.recall.live.companions import Company

#: Takers after which their company counts as much as the words.
ENOUGH_TAKERS = 3

#: How far company with an obscure item says more than with one that everybody takes: not at all (0), or as the cosine of
#: their takers does (0.5). This and the next two were chosen on the films that `tests.bench.new_items` takes with
#: `--tuning`, so that new films have about the share of the first ten places that they have of the events. Less of this, or
#: of the last, brings more popular stand-ins: new films come further to the top, and known ones lose more places.
RARITY = 0.4

#: What company is worth beside the words, which are worth 1.
COMPANY_WEIGHT = 2.0

#: What it costs the most popular item to stand in for one that nobody takes, and the other way round.
UNLIKE_POPULARITY_COST = 0.5


class Popularity:
    """How popular items are, on a scale from 0 for what nobody takes to 1 for the most popular of the snapshot.

    By its logarithm: a hundredfold difference is what tells a hit from what is obscure.

    Args:
        weights: float32 [items], not below 0.
    """

    def __init__(self, weights: Floats) -> None:
        logarithms = np.log1p(weights)
        self._most = max(float(logarithms.max(initial=0.0)), 1e-9)
        self._sum = float(weights.sum(dtype=np.float64))
        self.of_rows = np.asarray(logarithms / self._most, dtype=np.float32)

    def of_share(self, share: float) -> float:
        """Returns it for an item that a share of all events is with; above 1 for more than any of the snapshot has."""
        return float(np.log1p(share * self._sum)) / self._most


def accompanied(by_words: Rows, company: Company, popularity: Popularity) -> tuple[Rows, Floats]:
    """Chooses as many stand-ins as were chosen by words, the best first, and their weights, which sum up to 1.

    Args:
        by_words: int64 [stand-ins], those of the words alone.
        company: What its takers take beside it.
        popularity: Of the snapshot's items.
    """
    rows, places = np.unique(np.concatenate([by_words, company.rows]), return_inverse=True)
    fitting = np.zeros(len(rows))
    trust = company.takers / (company.takers + ENOUGH_TAKERS)
    fitting[places[: len(by_words)]] = 1.0 - trust
    together = company.counts / company.takers * (company.taken / company.shares) ** RARITY
    fitting[places[len(by_words) :]] += COMPANY_WEIGHT * trust * together
    unlike = np.abs(popularity.of_rows[rows] - popularity.of_share(company.taken))
    fitting -= UNLIKE_POPULARITY_COST * trust * unlike
    best = np.argsort(-fitting, kind="stable")[: len(by_words)]
    # A tiny catalogue, or a short list by words with no company, has fewer: a short list repeats its last.
    best = np.pad(best, (0, len(by_words) - len(best)), mode="edge")
    counting = np.concatenate([[True], best[1:] != best[:-1]])
    # However little the last of them fits, the first counts.
    weights = np.where(counting, np.maximum(fitting[best], 1e-6), 0.0)
    return rows[best], np.asarray(weights / weights.sum(), dtype=np.float32)
