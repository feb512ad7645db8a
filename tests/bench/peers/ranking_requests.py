"""The requests of the comparison, drawn from the yardstick's workload as the gateway would send them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.features import UserFeatureTransform
from tests.bench.workload.shape import USER_FIELDS, Workload


def ranking_requests(workload: Workload, count: int, candidates: int, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Returns requests of one query each by the names of the ranker's inputs; the first axis is the request.

    Args:
        workload: Whose users ask, and whose items are the candidates.
        count: How many requests, each of another user.
        candidates: How many candidates each has.
        seed: What the candidates follow from.
    """
    random = np.random.default_rng(seed)
    transform = UserFeatureTransform(USER_FIELDS)
    people = workload.people[:count]
    rows = random.integers(len(workload.item_features), size=(count, candidates))
    return {
        "history": np.stack([person.rows[None].astype(np.int64) for person in people]),
        "user_features": np.stack([transform(person.attributes)[None] for person in people]),
        "candidates": rows,
        "candidate_features": workload.item_features[rows],
        "candidate_query": np.zeros((count, candidates), dtype=np.int64),
    }
