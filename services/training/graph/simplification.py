"""Exported graphs, put in the form that runs best."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
from onnx import ModelProto

from services.training.graph.nodes import drop_what_nothing_reads, nodes_of, used_values
from services.training.graph.query_layers import split_query_layers

_RECURRENT = frozenset({"GRU", "LSTM", "RNN"})


def simplify(path: Path) -> None:
    """Puts an exported graph in the form that runs best, in place.

    Plain gathers, nothing computed for a candidate that its query has in common, no table twice, no input for nothing, and
    no shape that does not hold.

    Args:
        path: Of an ONNX file.
    """
    model = onnx.load(path)
    _use_plain_gathers(model)
    split_query_layers(model)
    drop_what_nothing_reads(model)
    _share_equal_constants(model)
    _drop_unused_inputs(model)
    _forget_recurrent_shapes(model)
    onnx.save(model, path)


def _use_plain_gathers(model: ModelProto) -> None:
    """Replaces each gathering of rows by a single index, which the exporter writes as GatherND, by Gather.

    Gather is quicker on the CPU. On CUDA, GatherND brings sizes from main memory in every run, which a captured graph
    would go on reading from where they were at capture.
    """
    unsqueezed = {node.output[0]: node for node in model.graph.node if node.op_type == "Unsqueeze"}
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    for node in model.graph.node:
        index = unsqueezed.get(node.input[1]) if node.op_type == "GatherND" else None
        batched = any(attribute.name == "batch_dims" and attribute.i for attribute in node.attribute)
        if index is None or batched or constants.get(index.input[1], [None])[-1] != -1:
            continue
        node.op_type = "Gather"
        node.input[1] = index.input[0]
        del node.attribute[:]


def _share_equal_constants(model: ModelProto) -> None:
    """Keeps one of equal constants: an encoder's item vectors are also what candidates are scored with."""
    kept: dict[bytes, str] = {}
    replaced: dict[str, str] = {}
    for constant in list(model.graph.initializer):
        unnamed = onnx.TensorProto()
        unnamed.CopyFrom(constant)
        unnamed.ClearField("name")
        same = kept.setdefault(hashlib.sha256(unnamed.SerializeToString(deterministic=True)).digest(), constant.name)
        if same != constant.name:
            replaced[constant.name] = same
            model.graph.initializer.remove(constant)
    for node in nodes_of(model.graph):
        for place, name in enumerate(node.input):
            node.input[place] = replaced.get(name, name)
    for value in [one for one in model.graph.value_info if one.name in replaced]:
        model.graph.value_info.remove(value)


def _drop_unused_inputs(model: ModelProto) -> None:
    """Drops what callers would have to give for nothing."""
    used = used_values(model)
    for value in [one for one in model.graph.input if one.name not in used]:
        model.graph.input.remove(value)


def _forget_recurrent_shapes(model: ModelProto) -> None:
    """Drops the shapes of inner values where there is a recurrent layer: runtimes find them out by themselves.

    The exporter writes the length of its example into the shape of what a recurrent layer gives. ONNX Runtime plans memory
    by that, and fails on longer and shorter histories where another value really has this shape.
    """
    if any(node.op_type in _RECURRENT for node in nodes_of(model.graph)):
        del model.graph.value_info[:]
