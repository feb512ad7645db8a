"""Scores as they are served."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from prometheus_client import REGISTRY

from services.ranking.padding import keep_shape
from services.ranking.ranker import Ranker
from services.ranking.scoring import score, sink_non_finite
from shared.onnx_session import OnnxModel
from shared.snapshot.graphs import RANKER
from tests.unit.ranking.batches import random_batch
from tests.unit.shared.fake_session import FakeSession

NAN, INF = np.nan, np.inf


def test_a_score_that_is_not_finite_sinks_to_the_lowest_of_its_query_and_objective() -> None:
    """Infinity included: a model that overflows knows nothing of the item."""
    scores = np.array([[1, NAN], [INF, 5], [3, -4], [NAN, 7], [-INF, 8]], dtype=np.float32)
    sunk = sink_non_finite(scores, np.array([0, 0, 0, 1, 1]))
    assert sunk.tolist() == [[1, -4], [1, 5], [3, -4], [0, 7], [0, 8]]


@given(arrays.arrays(np.float32, (12, 2), elements=st.floats(width=32)), st.integers(1, 5))
def test_no_score_but_the_wrong_ones_is_touched_and_none_rises_above_a_finite_one(
    scores: np.ndarray, queries: int
) -> None:
    """One odd item spoils neither its query nor the others."""
    owners = np.sort(np.arange(12) % queries)
    sunk = sink_non_finite(scores, owners)
    finite = np.isfinite(scores)
    assert np.isfinite(sunk).all()
    assert (sunk[finite] == scores[finite]).all()
    for query in range(queries):
        for objective in range(2):
            own = owners == query
            good = scores[own & finite[:, objective], objective]
            bad = sunk[own & ~finite[:, objective], objective]
            assert (bad == (good.min() if len(good) else 0)).all()


def served(result: list[list[float]]) -> np.ndarray:
    """Returns what is served when the model gives a result for a batch of two queries."""
    session = FakeSession(RANKER.inputs, [RANKER.output], result=np.array(result, dtype=np.float32))
    return score(Ranker(OnnxModel(session, RANKER.output, RANKER.inputs), 1, keep_shape), random_batch(2, len(result)))


def sample(name: str) -> float:
    """Returns the value of a metric."""
    return REGISTRY.get_sample_value(name) or 0.0


def test_scores_that_were_sunk_are_counted() -> None:
    """An operator must see that the model is broken."""
    before = sample("winnow_ranking_non_finite_scores_total")
    assert np.isfinite(served([[1.0], [NAN], [2.0], [INF]])).all()
    assert sample("winnow_ranking_non_finite_scores_total") == before + 2


def test_finite_scores_are_served_as_they_are() -> None:
    """And the run is measured."""
    names = ("winnow_ranking_run_seconds_count", "winnow_ranking_run_queries_sum", "winnow_ranking_run_candidates_sum")
    before = [sample(name) for name in names]
    assert served([[1.0], [-2.0], [2.0]]).tolist() == [[1.0], [-2.0], [2.0]]
    assert [sample(name) - earlier for name, earlier in zip(names, before, strict=True)] == [1, 2, 3]
