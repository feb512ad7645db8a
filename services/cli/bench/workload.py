"""Requests to ranking, drawn at random for what a snapshot holds."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.features import UserFeatureTransform
from shared.snapshot.arrays import map_floats
from shared.snapshot.manifest import Manifest
from shared.tensors import Ragged, with_tensors
from winnow.ranking.v1 import ranking_service_pb2 as pb


def draw_requests(
    folder: Path, manifest: Manifest, queries: int, candidates: int, *, seed: int = 0
) -> Iterator[pb.ScoreRequest]:
    """Yields requests without end: full histories, users of every kind, candidates from the whole catalogue.

    Args:
        folder: The snapshot's folder.
        manifest: Its table of contents.
        queries: Of each request.
        candidates: Of each query.
        seed: Of the draws.
    """
    random = np.random.default_rng(seed)
    schema = manifest.feature_schema
    features = map_floats(folder, manifest.item_features, (manifest.items, len(schema.item_features)))
    width = UserFeatureTransform(schema.user_fields).width

    def rows(length: int) -> Ragged:
        lists: list[NDArray[np.int64]] = [random.integers(0, manifest.items, length) for _ in range(queries)]
        return Ragged.of(lists, np.uint32)

    while True:
        history, candidate = rows(manifest.max_history), rows(candidates)
        yield with_tensors(
            pb.ScoreRequest(snapshot_id=manifest.id),
            user_features=random.standard_normal((queries, width), dtype=np.float32),
            history_rows=history.values,
            history_offsets=history.offsets,
            candidate_rows=candidate.values,
            candidate_offsets=candidate.offsets,
            candidate_features=features[candidate.values],
        )
