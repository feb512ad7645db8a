"""How far two rankings of the same candidates agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.metrics import ndcg
from services.training.metrics.lists import NO_ITEM
from services.training.recall_lists import ListedQueries, order_lists, rank_in_lists

_FIRST = 10

Scores = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a variant of the ranker gives, beside the ranker in full precision.

    Attributes:
        spearman: Mean over queries of Spearman's rank correlation of the scores.
        overlap: Mean share of the first ten that are also among the first ten of the full precision.
        ndcg: NDCG@10 of the variant.
        ndcg_loss: Share of the full precision's NDCG@10 that is lost; below 0 where it gained.
        ndcg_loss_error: Its standard error: with other queries the loss would have been as far off as that.
        largest: Largest absolute difference of two scores.
    """

    spearman: float
    overlap: float
    ndcg: float
    ndcg_loss: float
    ndcg_loss_error: float
    largest: float


def agree(listed: ListedQueries, full: Scores, variant: Scores) -> Agreement:
    """Compares scores of the same lists.

    Args:
        listed: Queries with candidates and targets.
        full: [queries, places], of the full precision.
        variant: [queries, places].
    """
    usable = listed.lists != NO_ITEM
    counts = usable.sum(axis=1)
    places, other_places = (_places(scores, usable) for scores in (full, variant))
    squares = np.where(usable, (places - other_places) ** 2, 0).sum(axis=1, dtype=np.float64)
    both = usable & (places < _FIRST) & (other_places < _FIRST)
    best, reached = (_ndcg(listed, scores) for scores in (full, variant))
    lost, scale = best - reached, float(best.mean()) or 1.0
    return Agreement(
        spearman=float((1 - 6 * squares / np.maximum(counts.astype(np.float64) ** 3 - counts, 1)).mean()),
        overlap=float((both.sum(axis=1) / np.clip(counts, 1, _FIRST)).mean()),
        ndcg=float(reached.mean()),
        ndcg_loss=float(lost.mean() / scale),
        ndcg_loss_error=float(lost.std() / scale / np.sqrt(len(lost))),
        largest=float(np.abs(np.where(usable, full - variant, 0)).max(initial=0.0)),
    )


def _places(scores: Scores, usable: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Returns each candidate's place by falling score, from 0."""
    order = np.argsort(np.where(usable, -scores, np.inf), axis=1, kind="stable")
    return np.argsort(order, axis=1)


def _ndcg(listed: ListedQueries, scores: Scores) -> npt.NDArray[np.floating]:
    """Returns NDCG@10 of each query."""
    ordered = order_lists(listed.lists, scores)
    ranks = rank_in_lists(ordered, listed.targets, missed=ordered.shape[1] + _FIRST)
    return ndcg(ranks, _FIRST)
