"""The ranker computed from the snapshot's files, on lists of candidates."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.cli.report_page.measurement import Measurement
from services.training.metrics.lists import NO_ITEM
from services.training.recall_lists import Lists
from shared.history import pad_histories
from shared.snapshot.arrays import map_floats
from shared.snapshot.graphs import RANKER

_USERS_AT_ONCE = 16


def score_lists(measured: Measurement, lists: Lists, advance: Callable[[int], None]) -> NDArray[np.float64]:
    """Returns what the gateway would order each candidate by: the sum of its scores, one for each objective.

    Candidates have the features of the snapshot, not those that were written to the feature store since.

    Args:
        measured: The users and the snapshot.
        lists: int64 [users, places], `NO_ITEM` where a list has ended.
        advance: Is told how many lists more are scored.

    Returns:
        float64 [users, places]; minus infinity where a list has ended.

    Raises:
        SnapshotRefused: a file of the snapshot is not what the manifest says.
    """
    manifest = measured.manifest
    shape = (manifest.items, len(manifest.feature_schema.item_features))
    features = map_floats(measured.folder, manifest.item_features, shape)
    ranker = RANKER.open(measured.folder / manifest.ranker.model, threads=1)
    people = measured.user_features()
    totals = np.full(lists.shape, -np.inf)
    for start in range(0, len(lists), _USERS_AT_ONCE):
        users = np.arange(start, min(start + _USERS_AT_ONCE, len(lists)))
        query, place = np.nonzero(lists[users] != NO_ITEM)
        if len(query):
            rows = lists[users][query, place]
            scores = ranker(
                history=pad_histories(measured.questions.histories.take(users), manifest.max_history),
                user_features=people[users],
                candidates=rows,
                candidate_features=features[rows],
                candidate_query=query.astype(np.int64),
            )
            totals[users[query], place] = scores.sum(axis=1, dtype=np.float64)
        advance(len(users))
    return totals
