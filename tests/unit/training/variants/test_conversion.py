"""Converting the ranker's graph."""

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from services.training.export import export_ranker
from services.training.variants.conversion import WRITERS, Precision
from shared.snapshot.graphs import RANKER
from tests.unit.training.ranking.models import ITEM_FEATURES, ITEMS, MAX_HISTORY, USER_FEATURES, random_ranker


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ranker's graph in full precision."""
    path = tmp_path_factory.mktemp("full") / "model.onnx"
    export_ranker(random_ranker(), ITEMS, MAX_HISTORY, (USER_FEATURES, ITEM_FEATURES), path)
    return path


def inputs(queries: int, candidates: int) -> dict[str, np.ndarray]:
    """Returns random inputs, with a history that is all padding."""
    random = np.random.default_rng(queries)
    history = random.integers(ITEMS, size=(queries, MAX_HISTORY))
    history[0] = -1
    return {
        "history": history,
        "user_features": random.standard_normal((queries, USER_FEATURES)).astype(np.float32),
        "candidates": random.integers(ITEMS, size=candidates),
        "candidate_features": random.standard_normal((candidates, ITEM_FEATURES)).astype(np.float32),
        "candidate_query": np.sort(random.integers(queries, size=candidates)),
    }


@pytest.mark.parametrize(("precision", "off"), [("fp16", 0.01), ("int8", 0.05)])
@pytest.mark.parametrize("sizes", [(1, 1), (1, 50), (9, 200)])
def test_a_variant_gives_nearly_the_same_scores(
    full: Path, tmp_path: Path, precision: Precision, off: float, sizes: tuple[int, int]
) -> None:
    """From the same inputs, for any number of queries and candidates; off by a share of how far scores differ."""
    WRITERS[precision](full, tmp_path / "variant.onnx")
    batch = inputs(*sizes)
    exact, variant = (RANKER.open(path, 1)(**batch) for path in (full, tmp_path / "variant.onnx"))
    assert variant.shape == exact.shape
    assert variant.dtype == np.float32
    spread = np.abs(RANKER.open(full, 1)(**inputs(9, 200))).max()
    assert 0 < np.abs(variant - exact).max() < off * spread


def test_fp16_holds_weights_and_item_vectors_in_half_the_space(full: Path, tmp_path: Path) -> None:
    """Every matrix that is larger than a handful of numbers is of 16-bit floats."""
    WRITERS["fp16"](full, tmp_path / "fp16.onnx")
    kinds = Counter(one.data_type for one in onnx.load(tmp_path / "fp16.onnx").graph.initializer if len(one.dims) == 2)
    assert set(kinds) == {onnx.TensorProto.FLOAT16}


def test_int8_multiplies_integers_and_leaves_lookups_and_the_first_layer(full: Path, tmp_path: Path) -> None:
    """Item vectors are looked up as they were, and the layer whose inputs have no common scale stays."""
    WRITERS["int8"](full, tmp_path / "int8.onnx")
    graph = onnx.load(tmp_path / "int8.onnx").graph
    assert Counter(node.op_type for node in graph.node)["MatMulInteger"] >= 4
    kinds = {one.name: one.data_type for one in graph.initializer}
    assert kinds["signals.encoder.item_embedding.weight"] == onnx.TensorProto.FLOAT
    assert "from_candidate.weight" in kinds
    assert kinds["from_candidate.weight"] == onnx.TensorProto.FLOAT


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_converting_says_nothing_and_leaves_the_log_as_it_was(
    full: Path, tmp_path: Path, precision: Precision, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    """Advice about quantizing is for somebody else than who trains."""
    level = logging.getLogger().level
    WRITERS[precision](full, tmp_path / "variant.onnx")
    assert [record.message for record in caplog.records if record.name == "root"] == []
    assert not recwarn.list
    assert logging.getLogger().level == level


def test_rows_are_gathered_plainly(full: Path) -> None:
    """GatherND would keep the graph from being captured on a GPU."""
    kinds = Counter(node.op_type for node in onnx.load(full).graph.node)
    assert kinds["GatherND"] == 0
    assert kinds["Gather"] > 10


def test_torch_agrees_with_the_rewritten_graph(full: Path) -> None:
    """Also where candidates come in no order."""
    batch = inputs(5, 40)
    np.random.default_rng(1).shuffle(batch["candidate_query"])
    with torch.no_grad():
        expected = random_ranker()(*(torch.as_tensor(batch[name]) for name in RANKER.inputs)).numpy()
    actual = RANKER.open(full, 1)(**batch)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)
