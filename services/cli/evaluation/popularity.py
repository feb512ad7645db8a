"""The baseline that knows nobody: what most users met, without what this one has seen."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from services.cli.evaluation.questions import Questions, catalogue_rows
from services.training.datasets import Dataset, leave_last_out
from services.training.metrics import history_mask, rank_of_target, top_k
from shared.snapshot.catalogue import Catalogue

_USERS_AT_ONCE = 256


def popularity_ranks(dataset: Dataset, catalogue: Catalogue, questions: Questions) -> NDArray[np.int64]:
    """Returns the rank of each user's next item by how often an item occurs in what was not held back.

    Exact over the whole catalogue: int64 [users], from 1. Ties stand before the target.
    """
    counts = catalogue_counts(dataset, catalogue)
    return np.concatenate(
        [
            rank_of_target(np.broadcast_to(counts, masked.shape), questions.targets[users.start : users.stop], masked)
            for users, masked in _masks(questions, len(catalogue))
        ]
    )


def popularity_lists(dataset: Dataset, catalogue: Catalogue, questions: Questions, size: int) -> NDArray[np.int64]:
    """Returns the most frequent items that each user has not seen, best first: int64 [users, size] rows."""
    counts = catalogue_counts(dataset, catalogue)
    return np.concatenate(
        [top_k(np.broadcast_to(counts, masked.shape), size, masked) for _, masked in _masks(questions, len(catalogue))]
    )


def catalogue_counts(dataset: Dataset, catalogue: Catalogue) -> NDArray[np.float64]:
    """Returns how often each of the catalogue's items occurs in what was not held back: float64 [items]."""
    counted = np.bincount(leave_last_out(dataset.histories()).train.items, minlength=len(dataset.items))
    counts = np.zeros(len(catalogue))
    counts[catalogue_rows(dataset, catalogue)] = counted
    return counts


def _masks(questions: Questions, items: int) -> Iterator[tuple[range, NDArray[np.bool_]]]:
    """Yields some users at a time, and what each of them has seen."""
    for start in range(0, len(questions), _USERS_AT_ONCE):
        users = range(start, min(start + _USERS_AT_ONCE, len(questions)))
        yield users, history_mask([questions.seen[user] for user in users], items)
