"""The ranker's tensors, as the protocol names and types them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from services.ranking.snapshot import RankingSnapshot
from shared.snapshot.graphs import RANKER

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


def inputs_of(snapshot: RankingSnapshot) -> Mapping[str, TensorSignature]:
    """Returns the inputs of a snapshot's ranker by name, in the order of the graph."""
    return _inputs(snapshot.user_features, snapshot.item_features.shape[1])


def output_of(snapshot: RankingSnapshot) -> TensorSignature:
    """Returns the one output of a snapshot's ranker."""
    return _output(len(snapshot.objectives))


# Every request asks for these, and making them takes as long as checking a tensor against one. They are kept by what
# they follow from, for a snapshot must not live as long as a cache.
@cache
def _inputs(user_features: int, item_features: int) -> Mapping[str, TensorSignature]:
    inputs = (
        TensorSignature("history", "INT64", (ANY, ANY), optional=True),
        TensorSignature("user_features", "FP32", (ANY, user_features)),
        TensorSignature("candidates", "INT64", (ANY,)),
        TensorSignature("candidate_features", "FP32", (ANY, item_features)),
        TensorSignature("candidate_query", "INT64", (ANY,), optional=True),
    )
    return MappingProxyType({one.name: one for one in inputs})


@cache
def _output(objectives: int) -> TensorSignature:
    return TensorSignature(RANKER.output, "FP32", (ANY, objectives))
