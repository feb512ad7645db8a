"""The model that Triton's Python backend loads, one in each instance's process; copied into the model repository."""

import json
from collections.abc import Sequence
from typing import Any

import triton_python_backend_utils as triton

from tests.bench.peers.triton_scoring import OUTPUT, TritonRanker


class TritonPythonModel:
    """What the backend looks for by this name."""

    def initialize(self, args: dict[str, str]) -> None:
        """Opens the ONNX file that the configuration names."""
        config = json.loads(args["model_config"])
        parameters = {name: value["string_value"] for name, value in config["parameters"].items()}
        self._ranker = TritonRanker(parameters["onnx"], int(parameters["threads"]), config["max_batch_size"] > 0)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Returns a response for each request."""
        # Only what the graph reads: each tensor that is looked at is a copy's work for the backend.
        arrays = [
            {name: triton.get_input_tensor_by_name(request, name).as_numpy() for name in self._ranker.inputs}
            for request in requests
        ]
        return [triton.InferenceResponse([triton.Tensor(OUTPUT, scores)]) for scores in self._ranker.score(arrays)]
