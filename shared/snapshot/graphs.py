"""What the graphs of a snapshot take and give, by name: training writes them so, and whoever runs them asks so."""

from dataclasses import dataclass
from pathlib import Path

from shared.onnx_session import OnnxModel, open_session


@dataclass(frozen=True)
class GraphKind:
    """A kind of graph.

    Attributes:
        inputs: What it takes, in the order in which its module does. One that a model does not look at its graph may lack.
        output: What it gives.
    """

    inputs: tuple[str, ...]
    output: str

    def open(self, path: Path, threads: int) -> OnnxModel:
        """Opens one on the CPU.

        Args:
            path: Of the ONNX file.
            threads: Threads of one operator.

        Raises:
            ValueError: it takes something else, or does not give the output.
            Exception: ONNX Runtime cannot open it; its errors have no narrower class in common.
        """
        return OnnxModel(open_session(path, threads), self.output, self.inputs)


#: A channel's encoder, of Q queries: int64 [Q, H], rows of items padded on the left with -1, and float32 [Q, U], to
#: float32 [Q, D].
ENCODER = GraphKind(("history", "user_features"), "query")

#: The ranker: the same of Q queries, and of all their N candidates, end to end, int64 [N], float32 [N, F] and int64 [N],
#: which query each is for, to float32 [N, objectives].
RANKER = GraphKind(("history", "user_features", "candidates", "candidate_features", "candidate_query"), "scores")
