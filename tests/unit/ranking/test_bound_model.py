"""Running a model on bound buffers, on the CPU with ONNX Runtime itself."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from services.ranking.batch import ScoringBatch
from services.ranking.bound_model import BoundModel, GraphMismatch
from shared.onnx_session import BindingSession, OnnxModel, open_session
from shared.snapshot.graphs import RANKER
from tests.snapshot_graphs import mean_graph, ranker_graph
from tests.snapshot_weights import OBJECTIVES, Weights
from tests.unit.ranking.batches import random_batch
from tests.unit.ranking.cuda import Cuda, allocate_on_host

WEIGHTS = Weights.draw(200, seed=0)
SHAPES = [(1, 1), (3, 40), (17, 300)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ranker that makes use of every input."""
    (tmp_path / "model.onnx").write_bytes(ranker_graph(WEIGHTS))
    return tmp_path / "model.onnx"


def bound(session: Any, captures: bool = False) -> BoundModel:
    """Returns the ranker on buffers in main memory."""
    return BoundModel(
        cast("BindingSession", session),
        RANKER.output,
        RANKER.inputs,
        rows_of="candidates",
        columns=len(OBJECTIVES),
        device="cpu",
        captures=captures,
        allocate=allocate_on_host,
    )


def arrays(batch: ScoringBatch) -> dict[str, Any]:
    """Returns a batch as the model's inputs."""
    return {name: getattr(batch, name) for name in RANKER.inputs}


def test_bound_runs_give_what_plain_runs_give(path: Path) -> None:
    """For several shapes in turn, each twice with other numbers in the same buffers."""
    session = open_session(path, threads=1)
    model, plain = bound(session), OnnxModel(session, RANKER.output, RANKER.inputs)
    for seed in (0, 1):
        for queries, candidates in SHAPES:
            batch = arrays(random_batch(queries, candidates, seed=seed))
            np.testing.assert_array_equal(model(**batch), plain(**batch))
    assert model.graphs == 0


def test_scores_stay_what_they_were_when_the_buffers_are_used_again(path: Path) -> None:
    """What is returned is a copy."""
    model = bound(open_session(path, threads=1))
    first = model(**arrays(random_batch(2, 9, seed=0)))
    kept = first.copy()
    model(**arrays(random_batch(2, 9, seed=1)))
    np.testing.assert_array_equal(first, kept)


def test_threads_that_run_one_shape_at_once_each_get_their_own_scores(path: Path) -> None:
    """The buffers of a shape are there once."""
    session = open_session(path, threads=1)
    model, plain = bound(session), OnnxModel(session, RANKER.output, RANKER.inputs)
    batches = [arrays(random_batch(4, 200, seed=seed)) for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        scores = list(pool.map(lambda batch: model(**batch), batches))
    for batch, got in zip(batches, scores, strict=True):
        np.testing.assert_array_equal(got, plain(**batch))


def test_each_shape_is_captured_once_and_then_replayed_with_new_numbers(path: Path) -> None:
    """Every shape has a graph of its own, and the address of its buffers never changes."""
    session = Cuda()(path, 1, [("CUDAExecutionProvider", {"enable_cuda_graph": "1"})])
    model, plain = bound(session, captures=True), RANKER.open(path, threads=1)
    for seed in (0, 1, 2):
        for queries, candidates in SHAPES:
            batch = arrays(random_batch(queries, candidates, seed=seed))
            np.testing.assert_array_equal(model(**batch), plain(**batch))
    assert sorted(session.captured) == ["1", "2", "3"]
    assert model.graphs == 3
    model.check_replay(**arrays(random_batch(3, 40, seed=9)))


def test_a_graph_that_does_not_follow_its_inputs_is_found_out(path: Path) -> None:
    """It would answer everybody with the scores of the first."""
    session = Cuda(broken=True)(path, 1, [("CUDAExecutionProvider", {"enable_cuda_graph": "1"})])
    model = bound(session, captures=True)
    model(**arrays(random_batch(3, 40, seed=0)))
    with pytest.raises(GraphMismatch, match="a replayed graph is off by"):
        model.check_replay(**arrays(random_batch(3, 40, seed=1)))


def test_another_model_is_refused(tmp_path: Path) -> None:
    """An encoder has no scores."""
    (tmp_path / "encoder.onnx").write_bytes(mean_graph(WEIGHTS.content_vectors))
    with pytest.raises(ValueError, match="it has no output scores"):
        bound(open_session(tmp_path / "encoder.onnx", threads=1))
