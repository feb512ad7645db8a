"""Metrics of recommendations: exact, vectorised, one value per query so that intervals can be put around their means."""

from services.training.metrics.beyond_accuracy import (
    exposure_gini,
    intra_list_diversity,
    mean_popularity,
    novelty,
    personalisation,
)
from services.training.metrics.bootstrap import Interval, bootstrap_interval
from services.training.metrics.calibration import ReliabilityCurve, reliability_curve
from services.training.metrics.errors import rmse, rmse_interval, squared_errors
from services.training.metrics.lists import catalogue_coverage, list_ndcg, list_recall, relevance, top_k
from services.training.metrics.precision import (
    average_precision,
    list_f1,
    list_hit_rate,
    list_precision,
    list_reciprocal_rank,
)
from services.training.metrics.probabilities import GroupAucs, auc, group_aucs, log_losses
from services.training.metrics.ranks import history_mask, hit_rate, ndcg, rank_of_target, reciprocal_rank
from services.training.metrics.resampled_curves import auc_interval, calibration_interval
from services.training.metrics.slices import Slice, by_attribute, by_history_length, by_popularity, slice_intervals

__all__ = [
    "GroupAucs",
    "Interval",
    "ReliabilityCurve",
    "Slice",
    "auc",
    "auc_interval",
    "average_precision",
    "bootstrap_interval",
    "by_attribute",
    "by_history_length",
    "by_popularity",
    "calibration_interval",
    "catalogue_coverage",
    "exposure_gini",
    "group_aucs",
    "history_mask",
    "hit_rate",
    "intra_list_diversity",
    "list_f1",
    "list_hit_rate",
    "list_ndcg",
    "list_precision",
    "list_recall",
    "list_reciprocal_rank",
    "log_losses",
    "mean_popularity",
    "ndcg",
    "novelty",
    "personalisation",
    "rank_of_target",
    "reciprocal_rank",
    "relevance",
    "reliability_curve",
    "rmse",
    "rmse_interval",
    "slice_intervals",
    "squared_errors",
    "top_k",
]
