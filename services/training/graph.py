"""Exported graphs, put in the form that runs best."""

from __future__ import annotations

from pathlib import Path

import onnx


def use_plain_gathers(path: Path) -> None:
    """Replaces each gathering of rows by a single index, which the exporter writes as GatherND, by Gather, in place.

    Gather is quicker on the CPU. On CUDA, GatherND brings sizes from main memory in every run, which a captured graph
    would go on reading from where they were at capture.

    Args:
        path: Of an ONNX file.
    """
    model = onnx.load(path)
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
    used = {name for node in model.graph.node for name in node.input} | {one.name for one in model.graph.output}
    for node in [one for one in unsqueezed.values() if one.output[0] not in used]:
        model.graph.node.remove(node)
    onnx.save(model, path)
