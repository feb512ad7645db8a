"""Which known items stand in for a new one once people have taken it: more and more those that the same people take."""

import numpy as np

from services.recall.channel import Floats, Rows
from services.recall.live.companions import Company

#: Takers after which their company counts as much as the words.
ENOUGH_TAKERS = 3

#: How far company with an obscure item says more than with one that everybody takes: not at all (0), or as the cosine of
#: their takers does (0.5). Chosen on films of MovieLens 100K that `tests.bench.new_items` takes with `--tuning`: the less it
#: is, the more popular the stand-ins, and the more places new films take from known ones.
RARITY = 0.35

#: What company is worth beside the words, which are worth 1.
COMPANY_WEIGHT = 2.0


def accompanied(by_words: Rows, company: Company) -> tuple[Rows, Floats]:
    """Chooses as many stand-ins as were chosen by words, the best first, and their weights, which sum up to 1.

    Args:
        by_words: int64 [stand-ins], those of the words alone.
        company: What its takers take beside it.
    """
    rows, places = np.unique(np.concatenate([by_words, company.rows]), return_inverse=True)
    fitting = np.zeros(len(rows))
    trust = company.takers / (company.takers + ENOUGH_TAKERS)
    fitting[places[: len(by_words)]] = 1.0 - trust
    together = company.counts / company.takers * (company.taken / company.shares) ** RARITY
    fitting[places[len(by_words) :]] += COMPANY_WEIGHT * trust * together
    best = np.argsort(-fitting, kind="stable")[: len(by_words)]
    # A tiny catalogue, or a short list by words with no company, has fewer: a short list repeats its last.
    best = np.pad(best, (0, len(by_words) - len(best)), mode="edge")
    counting = np.concatenate([[True], best[1:] != best[:-1]])
    weights = np.where(counting, fitting[best], 0.0)
    return rows[best], np.asarray(weights / weights.sum(), dtype=np.float32)
