"""The ONNX graphs of a test snapshot, in ONNX's text form, with the weights as initializers."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper, parser

from tests.snapshot_weights import Weights

_HEADER = '<ir_version: 10, opset_import: ["" : 20]>'

#: The mean vector of the items in a history, zero where it is empty; wants `vectors`, `zero`, `one` and `axis`.
_MASKED_MEAN = """
    present = GreaterOrEqual (history, zero)
    row = Max (history, zero)
    gathered = Gather (vectors, row)
    weight = Cast <to = 1> (present)
    column = Unsqueeze (weight, last)
    kept = Mul (gathered, column)
    total = ReduceSum <keepdims = 0> (kept, axis)
    length = ReduceSum <keepdims = 1> (weight, axis)
    divisor = Max (length, one)
    mean = Div (total, divisor)
"""


def mean_graph(vectors: NDArray[np.float32]) -> bytes:
    """Returns an encoder that looks at history alone: the mean of its items' vectors.

    Args:
        vectors: float32 [items, dimension].
    """
    text = f"mean (int64[Q,H] history) => (float[Q,D] query) {{ {_MASKED_MEAN} query = Identity (mean) }}"
    return _serialized(text, vectors=vectors)


def two_tower_graph(weights: Weights) -> bytes:
    """Returns an encoder that looks at history and user features."""
    text = f"""two_tower (int64[Q,H] history, float[Q,U] user_features) => (float[Q,D] query) {{
        {_MASKED_MEAN}
        person = MatMul (user_features, users)
        query = Add (mean, person)
    }}"""
    return _serialized(text, vectors=weights.tower_vectors, users=weights.tower_users)


def ranker_graph(weights: Weights) -> bytes:
    """Returns a ranker that makes use of every input."""
    text = f"""ranker (
        int64[Q,H] history, float[Q,U] user_features, int64[N] candidates, float[N,F] candidate_features,
        int64[N] candidate_query
    ) => (float[N,O] scores) {{
        {_MASKED_MEAN}
        taste = Gather (mean, candidate_query)
        item = Gather (vectors, candidates)
        alike = Mul (taste, item)
        match = ReduceSum <keepdims = 1> (alike, axis)
        quality = MatMul (candidate_features, item_weights)
        person = MatMul (user_features, user_weights)
        leaning = Gather (person, candidate_query)
        known = Add (match, quality)
        scores = Add (known, leaning)
    }}"""
    return _serialized(
        text,
        vectors=weights.tower_vectors,
        item_weights=weights.ranker_items,
        user_weights=weights.ranker_users,
    )


def _serialized(text: str, **arrays: NDArray[np.float32]) -> bytes:
    model = parser.parse_model(f"{_HEADER} {text}")
    constants: dict[str, NDArray[Any]] = {
        "zero": np.array(0, dtype=np.int64),
        "one": np.array(1, dtype=np.float32),
        "axis": np.array([1], dtype=np.int64),
        "last": np.array([-1], dtype=np.int64),
    }
    model.graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in {**constants, **arrays}.items()
    )
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized
