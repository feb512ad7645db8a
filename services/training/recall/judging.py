"""How good a recall model is while it is being fitted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from services.training.metrics import history_mask, ndcg, rank_of_target
from services.training.queries import NextItemQueries
from services.training.sequence.windows import pad_histories

_QUERIES_AT_A_TIME = 256


def validation_ndcg(
    encoder: nn.Module,
    item_vectors: npt.NDArray[np.float32],
    queries: NextItemQueries,
    user_features: npt.NDArray[np.float32],
    max_history: int,
) -> float:
    """Returns NDCG@10 over the full catalogue with the history masked.

    Args:
        encoder: As `RecallModel` has it, in evaluation mode.
        item_vectors: float32 [items, dimension].
        queries: At least one.
        user_features: float32 [users, user features].
        max_history: How many of the newest items of a history the encoder is shown.
    """
    ranks = []
    with torch.inference_mode():
        for start in range(0, len(queries), _QUERIES_AT_A_TIME):
            part = queries.take(np.arange(start, min(start + _QUERIES_AT_A_TIME, len(queries))))
            history = torch.as_tensor(pad_histories(part.histories, max_history))
            scores = encoder(history, torch.as_tensor(user_features[part.users])).numpy() @ item_vectors.T
            ranks.append(rank_of_target(scores, part.targets, history_mask(part.histories, len(item_vectors))))
    return float(ndcg(np.concatenate(ranks), 10).mean())
