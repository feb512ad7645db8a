"""Batches for tests."""

import numpy as np

from services.ranking.batch import ScoringBatch


def random_batch(queries: int, candidates: int, items: int = 200, width: int = 4, seed: int = 0) -> ScoringBatch:
    """Returns a batch with the feature widths of a test snapshot, every array distinct."""
    random = np.random.default_rng(seed)
    return ScoringBatch(
        history=random.integers(-1, items, (queries, width)),
        user_features=random.standard_normal((queries, 6), dtype=np.float32),
        candidates=random.integers(0, items, candidates),
        candidate_features=random.standard_normal((candidates, 3), dtype=np.float32),
        candidate_query=np.sort(random.integers(0, queries, candidates)),
    )
