"""The ranker that inference servers are compared with."""

from pathlib import Path

import numpy as np

from services.ranking.batch import ScoringBatch
from services.ranking.snapshot import load_snapshot
from shared.snapshot.repository import SnapshotRepository
from tests.bench.peers.ranker import mlp_scores, mlp_weights, publish_ranker, ranking_requests


def test_ranking_serves_the_published_ranker(tmp_path: Path) -> None:
    """The snapshot passes the checks of ranking, golden scores among them, and scores requests as NumPy does."""
    publish_ranker(tmp_path, seed=3)
    repository = SnapshotRepository(tmp_path)
    current = repository.current()
    assert current is not None
    manifest = repository.manifest(current)
    snapshot = load_snapshot(repository.folder(manifest.id), manifest, "cpu", threads=1)
    request = {name: array[1] for name, array in ranking_requests(2, candidates=50, seed=3).items()}
    scores = snapshot.ranker.score(ScoringBatch(**request))
    expected = mlp_scores(
        mlp_weights(3), request["user_features"], request["candidate_features"], request["candidate_query"]
    )
    assert scores.shape == (50, 1)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)


def test_equal_seeds_publish_equal_files(tmp_path: Path) -> None:
    """Two runs compare the same model and ask the same."""
    one, other = publish_ranker(tmp_path / "one"), publish_ranker(tmp_path / "other")
    assert one.read_bytes() == other.read_bytes()
    for name, array in ranking_requests(2, candidates=5).items():
        np.testing.assert_array_equal(array, ranking_requests(2, candidates=5)[name])
