"""Converting the ranker's graph to lower precisions, with what comes with ONNX Runtime."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import onnx
from onnxruntime.quantization import quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16

Precision = Literal["fp16", "int8"]

#: The layer that reads the signals and features. Their columns differ by orders of magnitude and would share one scale.
_FIRST_LAYER = "from_candidate.weight"


def write_fp16(model: Path, path: Path) -> None:
    """Writes a graph whose weights, item vectors among them, and arithmetic are 16-bit floats.

    Its inputs and output stay as they are, and so do operators that know no 16-bit floats.

    Args:
        model: The graph in full precision.
        path: Where to write the other.
    """
    with _quiet():
        onnx.save(convert_float_to_float16(onnx.load(model), keep_io_types=True), path)


def write_int8(model: Path, path: Path) -> None:
    """Writes a graph that multiplies matrices as 8-bit integers, the left ones quantized while it runs.

    Item vectors are looked up, not multiplied with a matrix, and stay as they are; so does the first layer. Weights take
    7 bits: with 8, processors without VNNI instructions overflow in between and give other scores.

    Args:
        model: The graph in full precision.
        path: Where to write the other.
    """
    graph = onnx.load(model)
    # The exporter leaves shapes of weights there that the quantizer transposes and then takes for contradictions.
    del graph.graph.value_info[:]
    first = [node.name for node in graph.graph.node if _FIRST_LAYER in node.input]
    with _quiet():
        quantize_dynamic(
            graph,
            path,
            op_types_to_quantize=["MatMul", "Gemm"],
            # It renames what it takes apart.
            nodes_to_exclude=[*first, *(f"{name}_MatMul" for name in first)],
            per_channel=True,
            reduce_range=True,
        )


WRITERS: Mapping[Precision, Callable[[Path, Path], None]] = {"fp16": write_fp16, "int8": write_int8}


@contextmanager
def _quiet() -> Iterator[None]:
    """Advice to prepare the graph, and warnings about numbers too small for 16 bits, tell someone who trains nothing."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
