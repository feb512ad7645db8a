"""The ranker's tensors, as the protocol names and types them."""

from dataclasses import dataclass
from typing import Literal

from services.ranking.ranker import OUTPUT
from services.ranking.snapshot import RankingSnapshot

MODEL = "ranker"
PLATFORM = "onnxruntime_onnx"
BACKEND = "onnxruntime"

Datatype = Literal["INT64", "FP32"]

#: Stands for an axis whose length is up to the request.
ANY = -1


@dataclass(frozen=True)
class TensorSignature:
    """What a tensor of the model looks like.

    Attributes:
        name: The name of the graph's input or output.
        datatype: The type of its elements.
        shape: The length of each axis, or `ANY`.
        optional: Whether a request may leave it out.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    optional: bool = False


def inputs_of(snapshot: RankingSnapshot) -> tuple[TensorSignature, ...]:
    """Returns the inputs of a snapshot's ranker."""
    return (
        TensorSignature("history", "INT64", (ANY, ANY), optional=True),
        TensorSignature("user_features", "FP32", (ANY, snapshot.user_features)),
        TensorSignature("candidates", "INT64", (ANY,)),
        TensorSignature("candidate_features", "FP32", (ANY, snapshot.item_features)),
        TensorSignature("candidate_query", "INT64", (ANY,), optional=True),
    )


def outputs_of(snapshot: RankingSnapshot) -> tuple[TensorSignature, ...]:
    """Returns the outputs of a snapshot's ranker."""
    return (TensorSignature(OUTPUT, "FP32", (ANY, len(snapshot.objectives))),)
