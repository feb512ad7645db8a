"""Ranking metrics: exact, vectorised, one value per query so that intervals can be put around their means."""

from services.training.metrics.bootstrap import Interval, bootstrap_interval
from services.training.metrics.lists import catalogue_coverage, list_ndcg, list_recall, relevance, top_k
from services.training.metrics.ranks import history_mask, hit_rate, ndcg, rank_of_target, reciprocal_rank

__all__ = [
    "Interval",
    "bootstrap_interval",
    "catalogue_coverage",
    "history_mask",
    "hit_rate",
    "list_ndcg",
    "list_recall",
    "ndcg",
    "rank_of_target",
    "reciprocal_rank",
    "relevance",
    "top_k",
]
