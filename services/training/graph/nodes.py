"""The nodes of a graph, and which values they read."""

from __future__ import annotations

from collections.abc import Iterator

from onnx import GraphProto, ModelProto, NodeProto


def nodes_of(graph: GraphProto) -> Iterator[NodeProto]:
    """The nodes of a graph and of the branches and loops in it."""
    for node in graph.node:
        yield node
        yield from nodes_within(node)


def nodes_within(node: NodeProto) -> Iterator[NodeProto]:
    """The nodes of the branches and loops in a node."""
    for attribute in node.attribute:
        for inner in (attribute.g, *attribute.graphs):
            yield from nodes_of(inner)


def used_values(model: ModelProto) -> set[str]:
    """The names of what nodes read, and of what the model gives."""
    return {name for node in nodes_of(model.graph) for name in node.input} | {one.name for one in model.graph.output}


def drop_what_nothing_reads(model: ModelProto) -> None:
    """Drops the nodes and constants that nothing depends on any more, in place."""
    graph = model.graph
    used = {one.name for one in graph.output}
    # Backwards: what reads a value comes after what makes it.
    for node in reversed(list(graph.node)):
        if used.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            used.update(node.input, *(inner.input for inner in nodes_within(node)))
    for constant in [one for one in graph.initializer if one.name not in used]:
        graph.initializer.remove(constant)
