"""What docs/inference.md shows works as it stands there."""

import re

import numpy as np
import pytest
from google.protobuf import json_format

from tests.contract.ranking.open_inference.conftest import Served
from tests.contract.ranking.open_inference.requests import ModelInferRequest, raw_request, scores_of
from tests.unit.project.sources import ROOT

PAGE = (ROOT / "docs" / "inference.md").read_text()


def block(language: str) -> str:
    """Returns the page's one block of code in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


async def test_the_request_for_json_tools_is_answered(served: Served) -> None:
    """The snapshot of the tests has the widths of the example."""
    answer = await served.call("ModelInfer", json_format.Parse(block("json"), ModelInferRequest()))
    assert scores_of(answer).shape == (2, 2)


async def test_the_table_lists_the_models_inputs(served: Served) -> None:
    """By name and type, in the metadata's order, and says which may be left out."""
    listed = re.findall(r"^\| `(\w+)` \| (INT64|FP32) \| .* \| (.*) \|$", PAGE, re.MULTILINE)
    config = (await served.call("ModelConfig", name="ranker")).config
    metadata = await served.call("ModelMetadata", name="ranker")
    optional = {one.name: one.optional for one in config.input}
    assert [(name, datatype, left_out != "refused") for name, datatype, left_out in listed[:-1]] == [
        (one.name, one.datatype, optional[one.name]) for one in metadata.inputs
    ]
    assert [(name, datatype) for name, datatype, _ in listed[-1:]] == [
        (one.name, one.datatype) for one in metadata.outputs
    ]


@pytest.mark.parametrize("rows", [1, 500])
async def test_zeros_are_sound_data(served: Served, rows: int) -> None:
    """perf_analyzer sends them for every input, those that may be left out as well."""
    shapes = {
        one.name: [rows if axis == -1 else axis for axis in one.shape]
        for one in (await served.call("ModelMetadata", name="ranker")).inputs
    }
    shapes |= {"history": [1, 12], "user_features": [1, shapes["user_features"][1]]}
    arrays = {
        one.name: np.zeros(shapes[one.name], dtype={"INT64": np.int64, "FP32": np.float32}[one.datatype])
        for one in (await served.call("ModelMetadata", name="ranker")).inputs
    }
    assert len(scores_of(await served.call("ModelInfer", raw_request(arrays)))) == rows
