"""Requests of the protocol, and its answers as arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranking.open_inference.messages import message_class
from tests.contract.ranking.requests import ITEM_FEATURES, USER_FEATURES
from tests.snapshot_factory import left_pad

ITEMS = 200

ModelInferRequest = message_class("ModelInferRequest")
InferTensorContents = message_class("InferTensorContents")

Arrays = dict[str, NDArray[Any]]

#: Of three users: rows of their history, and how many candidates each has.
HISTORIES = [[3, 1, 4], [], [15, 9, 2, 6]]
LENGTHS = (7, 1, 4)

_DATATYPE_OF = {"i": "INT64", "f": "FP32"}
_CONTENTS_OF = {"i": "int64_contents", "f": "fp32_contents"}


def sound_arrays() -> Arrays:
    """Returns the inputs for three users, one of them without a history."""
    random = np.random.default_rng(11)
    candidates = sum(LENGTHS)
    return {
        "history": left_pad(HISTORIES),
        "user_features": random.standard_normal((len(HISTORIES), USER_FEATURES), dtype=np.float32),
        "candidates": random.integers(0, ITEMS, size=candidates),
        "candidate_features": random.standard_normal((candidates, ITEM_FEATURES), dtype=np.float32),
        "candidate_query": np.repeat(np.arange(len(HISTORIES)), LENGTHS),
    }


def one_query_arrays(candidates: int = 5) -> Arrays:
    """Returns the inputs that a single user without a history needs, and no others."""
    random = np.random.default_rng(12)
    return {
        "user_features": random.standard_normal((1, USER_FEATURES), dtype=np.float32),
        "candidates": random.integers(0, ITEMS, size=candidates),
        "candidate_features": random.standard_normal((candidates, ITEM_FEATURES), dtype=np.float32),
    }


def raw_request(arrays: Mapping[str, NDArray[Any]], **fields: Any) -> Any:
    """Returns a request whose elements are bytes."""
    return _request(
        inputs=[_described(name, array) for name, array in arrays.items()],
        raw_input_contents=[array.astype(array.dtype.newbyteorder("<")).tobytes() for array in arrays.values()],
        **fields,
    )


def typed_request(arrays: Mapping[str, NDArray[Any]], **fields: Any) -> Any:
    """Returns a request whose elements are values."""
    inputs = [
        _described(name, array) | {"contents": {_CONTENTS_OF[array.dtype.kind]: array.ravel().tolist()}}
        for name, array in arrays.items()
    ]
    return _request(inputs=inputs, **fields)


def scores_of(answer: Any) -> NDArray[np.float32]:
    """Returns the scores of an answer, float32 [candidates, objectives]; it holds them once, raw or typed."""
    (output,) = answer.outputs
    assert (output.name, output.datatype) == ("scores", "FP32")
    if answer.raw_output_contents:
        assert not output.HasField("contents")
        (raw,) = answer.raw_output_contents
        flat = np.frombuffer(raw, dtype="<f4")
    else:
        flat = np.array(output.contents.fp32_contents, dtype=np.float32)
    return flat.reshape(list(output.shape))


def _described(name: str, array: NDArray[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": _DATATYPE_OF[array.dtype.kind], "shape": array.shape}


def _request(**fields: Any) -> Any:
    return ModelInferRequest(**{"model_name": "ranker"} | fields)
