"""The baseline that knows nobody: what most users met, without what this one has seen."""

import numpy as np
from numpy.typing import NDArray

from services.cli.evaluation.questions import Questions, catalogue_rows
from services.training.datasets import Dataset, leave_last_out
from services.training.metrics import history_mask, rank_of_target
from shared.snapshot.catalogue import Catalogue

_USERS_AT_ONCE = 256


def popularity_ranks(dataset: Dataset, catalogue: Catalogue, questions: Questions) -> NDArray[np.int64]:
    """Returns the rank of each user's next item by how often an item occurs in what was not held back.

    Exact over the whole catalogue: int64 [users], from 1. Ties stand before the target.
    """
    counted = np.bincount(leave_last_out(dataset.histories()).train.items, minlength=len(dataset.items))
    counts = np.zeros(len(catalogue))
    counts[catalogue_rows(dataset, catalogue)] = counted
    ranks = []
    for start in range(0, len(questions), _USERS_AT_ONCE):
        users = range(start, min(start + _USERS_AT_ONCE, len(questions)))
        masked = history_mask([questions.seen[user] for user in users], len(catalogue))
        scores = np.broadcast_to(counts, masked.shape)
        ranks.append(rank_of_target(scores, questions.targets[users.start : users.stop], masked))
    return np.concatenate(ranks)
