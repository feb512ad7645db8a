"""Exported graphs compute what their modules compute."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from services.training.content.encoder import ContentEncoder
from services.training.export import ExportMismatch, deviation, export_encoder, export_ranker
from services.training.ranking.ranker import Ranker
from services.training.sequence.encoder import PADDING
from shared.onnx_session import OnnxModel
from shared.snapshot.graphs import ENCODER, RANKER
from tests.unit.training.ranking.models import ITEM_FEATURES, ITEMS, MAX_HISTORY, USER_FEATURES, random_ranker

NOBODY = torch.zeros(1, USER_FEATURES)  # neither encoder looks at it
SHAPES = [(1, 1), (1, MAX_HISTORY), (2, 1), (5, 3), (33, MAX_HISTORY)]


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    """A ranker with random parameters."""
    return random_ranker()


@pytest.fixture(scope="module")
def graphs(ranker: Ranker, tmp_path_factory: pytest.TempPathFactory) -> dict[str, OnnxModel]:
    """All graphs, exported once: exporting takes seconds."""
    folder = tmp_path_factory.mktemp("graphs")
    modules = {"sequence": ranker.signals.encoder, "content": ContentEncoder(ranker.signals.content, half_life=3.0)}
    models = {}
    for name, module in modules.items():
        path = folder / name / "encoder.onnx"
        export_encoder(module, ITEMS, MAX_HISTORY, path, user_features=USER_FEATURES)
        models[name] = ENCODER.open(path, threads=1)
    path = folder / "model.onnx"
    export_ranker(ranker, ITEMS, MAX_HISTORY, (USER_FEATURES, ITEM_FEATURES), path)
    models["ranker"] = RANKER.open(path, threads=1)
    return models


def histories(queries: int, length: int) -> npt.NDArray[np.int64]:
    """Random histories, the first of which is all padding and the second half."""
    rows = np.random.default_rng(queries * 100 + length).integers(ITEMS, size=(queries, length))
    rows[0] = PADDING
    rows[1:2, : length // 2] = PADDING
    return rows


@pytest.mark.parametrize(("queries", "length"), SHAPES)
@pytest.mark.parametrize("name", ["sequence", "content"])
def test_an_encoder_s_graph_is_its_module(
    ranker: Ranker, graphs: dict[str, OnnxModel], name: str, queries: int, length: int
) -> None:
    """For one query and many, the shortest history and the longest, and for none."""
    module = {"sequence": ranker.signals.encoder, "content": ContentEncoder(ranker.signals.content, half_life=3.0)}[
        name
    ]
    history = histories(queries, length)
    with torch.no_grad():
        expected = module(torch.as_tensor(history), NOBODY).numpy()

    assert deviation(graphs[name], {"history": history}, expected) < 1e-4
    assert np.isfinite(expected).all()


@pytest.mark.parametrize("candidates", [1, 2, 50])
@pytest.mark.parametrize(("queries", "length"), SHAPES)
def test_the_ranker_s_graph_is_its_module(
    ranker: Ranker, graphs: dict[str, OnnxModel], queries: int, length: int, candidates: int
) -> None:
    """For any number of queries and candidates, in any order."""
    rng = np.random.default_rng(1)
    rows = rng.integers(ITEMS, size=candidates)
    inputs: dict[str, npt.NDArray[Any]] = {
        "history": histories(queries, length),
        "user_features": rng.normal(size=(queries, USER_FEATURES)).astype(np.float32),
        "candidates": rows,
        "candidate_features": ranker.signals.features.numpy()[rows],
        "candidate_query": rng.integers(queries, size=candidates),
    }
    with torch.no_grad():
        expected = ranker(*(torch.as_tensor(inputs[name]) for name in RANKER.inputs)).numpy()

    assert deviation(graphs["ranker"], inputs, expected) < 1e-4
    assert expected.shape == (candidates, 1)


def test_a_graph_that_deviates_is_refused(graphs: dict[str, OnnxModel]) -> None:
    """A value that is off by a thousandth, and a wrong shape, are errors."""
    history = histories(2, 3)
    right = graphs["content"](history=history)

    with pytest.raises(ExportMismatch, match="away from the module"):
        deviation(graphs["content"], {"history": history}, right + np.float32(1e-3))
    with pytest.raises(ExportMismatch, match="gives"):
        deviation(graphs["content"], {"history": history}, right[:1])


def test_a_graph_for_histories_of_one_item_can_be_exported(ranker: Ranker, tmp_path: Path) -> None:
    """The shortest `max_history` there is."""
    path = tmp_path / "encoder.onnx"
    export_encoder(ranker.signals.encoder, ITEMS, 1, path, user_features=USER_FEATURES)
    history = histories(4, 1)
    with torch.no_grad():
        expected = ranker.signals.encoder(torch.as_tensor(history), NOBODY).numpy()

    model = ENCODER.open(path, threads=1)
    assert deviation(model, {"history": history}, expected) < 1e-4
