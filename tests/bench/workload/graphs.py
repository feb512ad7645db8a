"""The workload's models as ONNX: a mean of item vectors as the encoder, an MLP as the ranker."""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper, parser

from tests.bench.workload.shape import Floats, Workload

_HEADER = '<ir_version: 10, opset_import: ["" : 20]>'


def ranker_graph(workload: Workload) -> bytes:
    """Returns the MLP over a user's and an item's features, as `simplify` takes it; it looks at neither history nor ids."""
    items = workload.item_features.shape[1]
    users = len(workload.layers[0][0]) - items
    layers = "\n".join(
        f"hidden_{number} = Gemm (value_{number}, weight_{number}, bias_{number})\n"
        f"value_{number + 1} = Relu (hidden_{number})"
        for number in range(len(workload.layers) - 1)
    )
    last = len(workload.layers) - 1
    text = f"""{_HEADER} ranker (
        float[Q,{users}] user_features, float[N,{items}] candidate_features, int64[N] candidate_query
    ) => (float[N,O] scores) {{
        person = Gather (user_features, candidate_query)
        value_0 = Concat <axis = 1> (person, candidate_features)
        {layers}
        scores = Gemm (value_{last}, weight_{last}, bias_{last})
    }}"""
    model = parser.parse_model(text)
    for number, (weight, bias) in enumerate(workload.layers):
        model.graph.initializer.append(numpy_helper.from_array(weight, f"weight_{number}"))
        model.graph.initializer.append(numpy_helper.from_array(bias, f"bias_{number}"))
    onnx.checker.check_model(model)
    # The exporter writes the shapes of values too, and `simplify` reads them.
    model = onnx.shape_inference.infer_shapes(model)
    return bytes(model.SerializeToString())


def scores(layers: Sequence[tuple[Floats, Floats]], user_features: Floats, candidate_features: Floats) -> Floats:
    """Returns what the ranker gives for candidates whose users' features are given for each: float32 [n, 1]."""
    value: NDArray[np.float32] = np.concatenate([user_features, candidate_features], axis=1)
    for weight, bias in layers[:-1]:
        value = np.maximum(value @ weight + bias, np.float32(0))
    weight, bias = layers[-1]
    return value @ weight + bias
