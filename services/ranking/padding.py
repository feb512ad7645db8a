"""Shapes that a model is run with. On CUDA the first run of a shape is slow, so there only warmed ones occur."""

from bisect import bisect_left
from collections.abc import Callable, Sequence

import numpy as np

from services.ranking.batch import ScoringBatch
from shared.history import widen

#: Sizes that CUDA runs with, up to what the contract allows. Steps of four keep the pairs to warm at 25; what a GPU
#: scores in vain costs less than a shape it has not seen.
QUERY_BUCKETS = (1, 4, 16, 64, 256)
CANDIDATE_BUCKETS = (256, 1024, 4096, 16_384, 65_536)

#: The most candidates of one run on the CPU. Measured on one core with a 64-dimensional ranker: 0.95 us a candidate at
#: 500, 0.83 at 2,000 to 4,000, 0.90 at 8,000, 1.06 at 16,000, 1.36 at 64,000, when nothing fits in the cache any more.
#: Of two cores with 32 requests for 500 waiting, merging up to 2,048 made some 3,150 a second, up to 4,096 2,900, none 2,650.
CPU_RUN_CANDIDATES = 2048

#: Gives a batch the shape that it is run with: padding comes after the true queries and candidates.
Pad = Callable[[ScoringBatch], ScoringBatch]


def keep_shape(batch: ScoringBatch) -> ScoringBatch:
    """Returns the batch as it is: on the CPU a new shape costs nothing and padding does."""
    return batch


def pad_to_buckets(batch: ScoringBatch, max_history: int) -> ScoringBatch:
    """Returns the batch with queries and candidates padded to the next bucket, and histories to `max_history`.

    A padded query has no history; a padded candidate is row 0, without features, for the first query.

    Args:
        batch: At most 256 queries and 65,536 candidates.
        max_history: The width of every history.
    """
    queries = bucket_of(batch.queries, QUERY_BUCKETS) - batch.queries
    candidates = bucket_of(len(batch), CANDIDATE_BUCKETS) - len(batch)
    return ScoringBatch(
        history=np.pad(widen(batch.history, max_history), ((0, queries), (0, 0)), constant_values=-1),
        user_features=np.pad(batch.user_features, ((0, queries), (0, 0))),
        candidates=np.pad(batch.candidates, (0, candidates)),
        candidate_features=np.pad(batch.candidate_features, ((0, candidates), (0, 0))),
        candidate_query=np.pad(batch.candidate_query, (0, candidates)),
    )


def bucket_of(size: int, buckets: Sequence[int]) -> int:
    """Returns the smallest of the ascending `buckets` that holds `size`.

    Raises:
        IndexError: none does.
    """
    return buckets[bisect_left(buckets, size)]
