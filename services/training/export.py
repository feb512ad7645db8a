"""From fitted modules to ONNX graphs, and proof that both compute the same."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.onnx._internal.exporter._registration import ONNXRegistry

from services.training.graph import simplify
from services.training.sequence.encoder import PADDING
from shared.onnx_session import OnnxModel
from shared.snapshot.golden import TOLERANCE
from shared.snapshot.graphs import ENCODER, RANKER

# The exporter takes sizes of 0 and 1 for constants: the example must have larger ones.
_EXAMPLE_QUERIES = 3
_EXAMPLE_CANDIDATES = 7
_OPSET = 20

Arrays = Mapping[str, npt.NDArray[Any]]


class ExportMismatch(Exception):
    """An exported graph does not compute what the module computes."""


def export_encoder(encoder: nn.Module, items: int, max_history: int, path: Path, *, user_features: int) -> None:
    """Writes a channel's encoder: `history` int64 [Q, H] and `user_features` float32 [Q, U] to `query` float32 [Q, D].

    The graph lacks an input that the encoder does not look at.

    Args:
        encoder: As `RecallModel` has it.
        items: Rows of the catalogue.
        max_history: The longest history that it will be asked about.
        path: Where to write the graph; folders are made.
        user_features: How many there are.
    """
    history = _history_sizes(max_history)
    example = {
        "history": _example_history(items, max_history),
        "user_features": torch.zeros(_EXAMPLE_QUERIES, user_features),
    }
    sizes = {"history": history, "user_features": {0: history[0]}}
    _export(encoder, example, sizes, ENCODER.output, path)


def export_ranker(ranker: nn.Module, items: int, max_history: int, widths: tuple[int, int], path: Path) -> None:
    """Writes the ranker: history, user features and flat candidates to `scores` float32 [N, objectives].

    Args:
        ranker: In evaluation mode; `services.training.ranking.model.BuildRanker` has what it takes and gives.
        items: Rows of the catalogue.
        max_history: The longest history that it will be asked about.
        widths: How many user features and item features there are.
        path: Where to write the graph; folders are made.
    """
    user_features, item_features = widths
    candidates = torch.arange(_EXAMPLE_CANDIDATES) % items
    example = {
        "history": _example_history(items, max_history),
        "user_features": torch.zeros(_EXAMPLE_QUERIES, user_features),
        "candidates": candidates,
        "candidate_features": torch.zeros(_EXAMPLE_CANDIDATES, item_features),
        "candidate_query": torch.arange(_EXAMPLE_CANDIDATES) % _EXAMPLE_QUERIES,
    }
    queries, flat = torch.export.Dim("queries"), torch.export.Dim("candidates")
    sizes = {
        "history": _history_sizes(max_history),
        "user_features": {0: queries},
        "candidates": {0: flat},
        "candidate_features": {0: flat},
        "candidate_query": {0: flat},
    }
    _export(ranker, example, sizes, RANKER.output, path)


def deviation(model: OnnxModel, inputs: Arrays, expected: npt.NDArray[np.float32]) -> float:
    """Compares a graph with what its module gave.

    Args:
        model: The graph.
        inputs: By name; what the graph does not use is left out.
        expected: What the module gave for them.

    Returns:
        The largest absolute difference.

    Raises:
        ExportMismatch: the shape is another, or a value is further off than a snapshot may be.
    """
    actual = model(**inputs)
    if actual.shape != expected.shape:
        raise ExportMismatch(f"the exported graph gives {actual.shape}, the module {expected.shape}")
    furthest = float(np.abs(actual - expected).max(initial=0.0))
    if not np.allclose(actual, expected, rtol=TOLERANCE, atol=TOLERANCE):
        raise ExportMismatch(f"the exported graph is up to {furthest:.2e} away from the module")
    return furthest


def _export(
    module: nn.Module, example: Mapping[str, Tensor], sizes: Mapping[str, Any], output: str, path: Path
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _quiet_exporter(), _whole_recurrences(), _kept_operators():
        torch.onnx.export(
            module.eval(),
            tuple(example.values()),
            str(path),
            input_names=list(example),
            output_names=[output],
            dynamic_shapes=tuple(sizes.values()),
            opset_version=_OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    simplify(path)


def _example_history(items: int, max_history: int) -> Tensor:
    length = min(4, max_history)
    history = torch.arange(_EXAMPLE_QUERIES * length).reshape(_EXAMPLE_QUERIES, length) % items
    history[0, 0] = PADDING
    return history


def _history_sizes(max_history: int) -> dict[int, Any]:
    queries = torch.export.Dim("queries")
    if max_history == 1:
        return {0: queries}
    return {0: queries, 1: torch.export.Dim("length", max=max_history)}


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter warns and logs about its own deprecations, which nobody who trains can act on."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(level)


@contextmanager
def _whole_recurrences() -> Iterator[None]:
    """Keeps a recurrence one node, which ONNX has too.

    The exporter loads a decomposition that unrolls it over the example's length; the first export of a process is done
    before that, and every later one would take that length alone.
    """
    operators = (torch.ops.aten.gru.input, torch.ops.aten.lstm.input)
    taken = [(operator, dict(operator.py_kernels)) for operator in operators]
    for operator, _ in taken:
        operator.py_kernels.clear()
        operator._dispatch_cache.clear()
    try:
        yield
    finally:
        for operator, kernels in taken:
            operator.py_kernels.update(kernels)
            operator._dispatch_cache.clear()


@contextmanager
def _kept_operators() -> Iterator[None]:
    """Has the exporter look operators up where it did for the graph before.

    Each export reads the source of some five hundred functions anew to make that table: a quarter of the time that a small
    graph takes.
    """
    made_anew = ONNXRegistry.__dict__["from_torchlib"]
    ONNXRegistry.from_torchlib = staticmethod(_operators)  # type: ignore[method-assign]
    try:
        yield
    finally:
        ONNXRegistry.from_torchlib = made_anew  # type: ignore[method-assign]


_operators = cache(ONNXRegistry.from_torchlib)
