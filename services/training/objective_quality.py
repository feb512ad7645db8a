"""How well a ranker tells what people make of what they take up."""

from __future__ import annotations

import numpy as np
import torch

from services.training.metrics.probabilities import auc
from services.training.models import Features
from services.training.queries import NextItemQueries
from services.training.ranking.model import FittedRanker
from services.training.ranking.objectives import ObjectiveLabels
from services.training.sequence.windows import pad_histories

_QUERIES_AT_A_TIME = 512


def judge_objectives(
    ranker: FittedRanker, queries: NextItemQueries, labels: ObjectiveLabels, features: Features, max_history: int
) -> dict[str, dict[str, float]]:
    """Judges every objective but the first on what followed held-out histories.

    Args:
        ranker: In evaluation mode.
        queries: Held-out events.
        labels: Of the ranker's objectives.
        features: Of users and items.
        max_history: The longest history that the ranker looks at.

    Returns:
        By objective: the area under the ROC curve (`auc`), 0.5 for guessing, and the share of the queries of which it is
        true (`true`). An objective that is true of none of them, or of all, is left out.
    """
    if not labels.names:
        return {}
    tables = features.tables()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(queries), _QUERIES_AT_A_TIME):
            some = queries.take(np.arange(start, min(start + _QUERIES_AT_A_TIME, len(queries))))
            items = torch.as_tensor(some.targets)
            history = torch.as_tensor(pad_histories(some.histories, max_history))
            scores = ranker.model(
                history, tables.users[some.users], items, tables.items[items], torch.arange(len(some))
            )
            parts.append(scores[:, 1:].numpy())
    given, true = np.concatenate(parts).T, labels(queries.users, queries.targets).T
    return {
        name: {"auc": auc(values.astype(np.bool_), scores), "true": float(values.mean())}
        for name, scores, values in zip(labels.names, given, true, strict=True)
        if 0 < values.mean() < 1
    }
