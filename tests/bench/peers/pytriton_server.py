"""PyTriton serving the ranker: functions bound to a Triton server, in the environment of `triton-requirements.txt`.

python -m tests.bench.peers.pytriton_server model.onnx 1 4711 4712 folder
"""

import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

from tests.bench.peers.servers import TRITON_BATCH, TRITON_MODELS
from tests.bench.peers.triton_scoring import INPUTS, OUTPUT, OUTPUT_SHAPE, TritonRanker

_TYPES = {"INT64": np.int64, "FP32": np.float32}


def main(onnx: str, threads: int, port: int, http_port: int, workspace: str) -> None:
    """Serves every configuration until a signal."""
    # As Ctrl-C does: `with` then ends Triton, which PyTriton leaves behind when it is terminated.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    inputs = [Tensor(name=name, dtype=_TYPES[type_], shape=shape) for name, type_, shape in INPUTS]
    outputs = [Tensor(name=OUTPUT, dtype=np.float32, shape=OUTPUT_SHAPE)]
    config = TritonConfig(
        grpc_address="127.0.0.1", grpc_port=port, http_address="127.0.0.1", http_port=http_port, allow_metrics=False
    )
    with Triton(config=config, workspace=workspace) as triton:
        for model, instances in TRITON_MODELS:
            triton.bind(
                model_name=model.name,
                infer_func=[_function(TritonRanker(onnx, threads, model.batch_axis)) for _ in range(instances)],
                inputs=inputs,
                outputs=outputs,
                config=ModelConfig(batching=model.batch_axis, max_batch_size=TRITON_BATCH, batcher=DynamicBatcher()),
                strict=False,  # without a check of every output's type and shape: it costs, and the scores are compared
            )
        triton.serve()


def _function(ranker: TritonRanker) -> Callable[[Sequence[Any]], list[dict[str, Any]]]:
    def infer(requests: Sequence[Any]) -> list[dict[str, Any]]:
        return [{OUTPUT: scores} for scores in ranker.score(requests)]

    return infer


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
