"""ONNX models as functions."""

from pathlib import Path

import numpy as np
import pytest

from shared.onnx_session import OnnxModel, open_session
from tests.snapshot_graphs import mean_graph
from tests.snapshot_weights import Weights
from tests.unit.shared.fake_session import FakeSession

INPUTS = ("history", "user_features")


def test_a_model_gets_the_inputs_that_it_declares_and_no_others() -> None:
    """An encoder that does not look at user features may lack the input."""
    session = FakeSession(["history"], ["query"], result=np.array([[1.5]]))
    model = OnnxModel(session, "query", INPUTS)
    result = model(history=np.array([[1]]), user_features=np.zeros((1, 2)))
    assert result.tolist() == [[1.5]]
    assert result.dtype == np.float32
    assert list(session.fed[0]) == ["history"]


def test_a_model_that_wants_something_unknown_is_refused_by_name() -> None:
    """It could not be run."""
    with pytest.raises(ValueError, match="unknown input weather"):
        OnnxModel(FakeSession(["history", "weather"], ["query"]), "query", INPUTS)


def test_a_model_without_the_output_is_refused_by_name() -> None:
    """It could not be used."""
    with pytest.raises(ValueError, match="no output query"):
        OnnxModel(FakeSession(["history"], ["score"]), "query", INPUTS)


def test_a_real_model_is_opened_and_run_on_the_cpu(tmp_path: Path) -> None:
    """A graph on disk gives what NumPy gives."""
    weights = Weights.draw(20, seed=0)
    path = tmp_path / "encoder.onnx"
    path.write_bytes(mean_graph(weights.content_vectors))
    session = open_session(path, threads=1)
    history = np.array([[-1, 3, 4], [-1, -1, -1]])
    assert session.get_providers() == ["CPUExecutionProvider"]
    np.testing.assert_allclose(
        OnnxModel(session, "query", INPUTS)(history=history), weights.content_queries(history), rtol=1e-5
    )
