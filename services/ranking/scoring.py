"""Scores as they are served: measured, and finite."""

import time

import numpy as np
import structlog
from numpy.typing import NDArray

from services.ranking import metrics
from services.ranking.batch import ScoringBatch
from services.ranking.ranker import Ranker

Scores = NDArray[np.float32]

log = structlog.get_logger()


def score(ranker: Ranker, batch: ScoringBatch) -> Scores:
    """Returns the scores of a batch, float32 [N, objectives], all finite."""
    return finite(run(ranker, batch), batch)


def run(ranker: Ranker, batch: ScoringBatch) -> Scores:
    """Returns the model's scores of a batch, or of a share of one, as they are: float32 [N, objectives]."""
    started = time.perf_counter()
    scores = ranker.score(batch)
    metrics.RUN_SECONDS.observe(time.perf_counter() - started)
    metrics.RUN_QUERIES.observe(batch.queries)
    metrics.RUN_CANDIDATES.observe(len(batch))
    return scores


def finite(scores: Scores, batch: ScoringBatch) -> Scores:
    """Returns the scores of a batch, those that are not finite sunk, and tells of them."""
    wrong = scores.size - int(np.isfinite(scores).sum())
    if wrong == 0:
        return scores
    metrics.NON_FINITE_SCORES.inc(wrong)
    log.error("the model gave scores that are not finite; they were sunk", scores=wrong, candidates=len(batch))
    return sink_non_finite(scores, batch.candidate_query)


def sink_non_finite(scores: Scores, candidate_query: NDArray[np.int64]) -> Scores:
    """Returns scores with NaN and infinity replaced by the lowest finite score of the same query and objective.

    Such a candidate then comes last, and one odd item spoils neither its query nor the others in the batch. Where a
    query has no finite score at all, 0 stands for each.

    Args:
        scores: float32 [N, objectives].
        candidate_query: int64 [N], the query of each candidate.
    """
    finite = np.isfinite(scores)
    queries = int(candidate_query.max(initial=-1)) + 1
    lowest = np.full((queries, scores.shape[1]), np.inf, dtype=np.float32)
    np.minimum.at(lowest, candidate_query, np.where(finite, scores, np.float32(np.inf)))
    lowest[~np.isfinite(lowest)] = 0.0
    return np.where(finite, scores, lowest[candidate_query])
