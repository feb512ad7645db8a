"""The ranker under Triton, as a team would write it: runs in Triton's environment, with NumPy and ONNX Runtime alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

OUTPUT = "scores"

#: Name, Triton's type, and shape without the batch axis.
INPUTS = (
    ("history", "INT64", (-1, -1)),
    ("user_features", "FP32", (-1, 32)),
    ("candidates", "INT64", (-1,)),
    ("candidate_features", "FP32", (-1, 32)),
    ("candidate_query", "INT64", (-1,)),
)
OUTPUT_SHAPE = (-1, 1)

Arrays = Mapping[str, NDArray[Any]]


class TritonRanker:
    """Scores the requests that Triton hands over together.

    Args:
        model: Path of the ONNX file.
        threads: Threads of one operator; none spins while idle, as in Winnow.
        batch_axis: Whether inputs have a batch axis in front. What came together is then scored in one run.
    """

    def __init__(self, model: str, threads: int, batch_axis: bool) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._batch_axis = batch_axis
        #: What the graph reads of the inputs.
        self.inputs = [one.name for one in self._session.get_inputs()]

    def score(self, requests: Sequence[Arrays]) -> list[NDArray[np.float32]]:
        """Returns the scores of each request."""
        if not self._batch_axis:
            return [self._run({name: request[name] for name in self.inputs}) for request in requests]
        # Triton puts together only what has equal shapes: users [B, Q, U], candidates [B, N, F].
        users, features, query = (
            np.concatenate([request[name] for request in requests])
            for name in ("user_features", "candidate_features", "candidate_query")
        )
        offsets = np.arange(len(users))[:, None] * users.shape[1]
        scores = self._run(
            {
                "user_features": users.reshape(-1, users.shape[2]),
                "candidate_features": features.reshape(-1, features.shape[2]),
                "candidate_query": (query + offsets).reshape(-1),
            }
        ).reshape(*query.shape, -1)
        bounds = np.cumsum([len(request["candidate_query"]) for request in requests])
        return np.split(scores, bounds[:-1])

    def _run(self, feed: Arrays) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = self._session.run([OUTPUT], feed)[0]
        return scores
