"""The requests that inference servers are compared with."""

from pathlib import Path

import numpy as np

from services.ranking.batch import ScoringBatch
from services.ranking.snapshot import load_snapshot
from tests.bench.peers.ranking_requests import ranking_requests
from tests.bench.workload import graphs
from tests.bench.workload.snapshot import prepare


def test_ranking_scores_the_requests_as_numpy_does(tmp_path: Path) -> None:
    """They fit the inputs of the workload's ranker, for one user each."""
    prepared = prepare(tmp_path, items=2_000, seed=3)
    manifest = prepared.manifest
    snapshot = load_snapshot(prepared.repository.folder(manifest.id), manifest, "cpu", threads=1)
    requests = ranking_requests(prepared.workload, count=2, candidates=50, seed=3)
    one = {name: array[1] for name, array in requests.items()}
    scores = snapshot.ranker.score(ScoringBatch(**one))
    features = one["user_features"][one["candidate_query"]]
    np.testing.assert_allclose(
        scores, graphs.scores(prepared.workload.layers, features, one["candidate_features"]), rtol=1e-4, atol=1e-4
    )


def test_requests_are_of_different_users_and_equal_for_equal_seeds(tmp_path: Path) -> None:
    """Two runs ask the same, and no answer can be had by remembering the last one."""
    workload = prepare(tmp_path, items=2_000).workload
    one, other = (ranking_requests(workload, 3, candidates=5) for _ in range(2))
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])
    assert len(np.unique(one["user_features"], axis=0)) == 3
