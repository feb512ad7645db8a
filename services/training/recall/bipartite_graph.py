"""Who met what as a graph of people and items, and vectors that spread along its edges."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array, diags_array
from torch import Tensor, nn

from services.training.datasets import Sequences
from services.training.recall.interaction_matrix import interaction_matrix


class BipartiteGraph(nn.Module):
    """People and the items that they met, each edge divided by the root of both ends' degrees.

    A module, so that it goes along to the device of the model that it is part of; it has nothing to fit or to save.

    Args:
        events: What people did; a repeated item is one edge.
        items: Rows of the catalogue.

    Attributes:
        people: How many there are, with edges or without.
        degrees: float32 [items], the people of each item.
        edges: csr_array [people, items] of ones.
    """

    degrees: Tensor
    _to_people: Tensor
    _to_items: Tensor

    def __init__(self, events: Sequences, items: int) -> None:
        super().__init__()
        self.edges = interaction_matrix(events, items)
        self.people = events.num_users
        degrees = torch.as_tensor(self.edges.sum(axis=0), dtype=torch.float32)
        met = np.asarray(self.edges.sum(axis=1))
        by_person, by_item = (diags_array(1.0 / np.sqrt(np.maximum(d, 1.0))) for d in (met, degrees.numpy()))
        weights = csr_array(by_person @ self.edges @ by_item)
        self.register_buffer("degrees", degrees, persistent=False)
        self.register_buffer("_to_people", _sparse(weights), persistent=False)
        self.register_buffer("_to_items", _sparse(csr_array(weights.T)), persistent=False)

    def spread(self, vectors: Tensor) -> Tensor:
        """Gives each node the weighted sum of its neighbours' vectors: float [people + items, dimension].

        Args:
            vectors: float [people + items, dimension], people first.
        """
        people, items = vectors[: self.people], vectors[self.people :]
        return torch.cat([self._to_people @ items, self._to_items @ people])

    def layers(self, vectors: Tensor, count: int) -> list[Tensor]:
        """Returns the vectors themselves and after 1 to `count` steps of spreading."""
        result = [vectors]
        for _ in range(count):
            result.append(self.spread(result[-1]))
        return result

    def layer_mean(self, vectors: Tensor, count: int) -> Tensor:
        """Returns the mean of `layers`, with a gradient."""
        mean: Tensor = _LayerMean.apply(vectors, self, count)  # type: ignore[no-untyped-call]
        return mean


class _LayerMean(torch.autograd.Function):
    """The mean over layers is a symmetric matrix times the vectors, so that its gradient is the same mean.

    Nothing needs to be kept from one pass for the other.
    """

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, graph: BipartiteGraph, count: int) -> Tensor:
        ctx.graph, ctx.count = graph, count
        # Products with sparse matrices wait for memory, not for arithmetic: fewer bits would only cost precision.
        with torch.autocast(vectors.device.type, enabled=False):
            return _horner(graph, vectors, count)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _horner(ctx.graph, gradients[0].contiguous(), ctx.count), None, None


def _horner(graph: BipartiteGraph, vectors: Tensor, count: int) -> Tensor:
    total = vectors
    for _ in range(count):
        total = vectors + graph.spread(total)
    return total / (count + 1)


def _sparse(matrix: csr_array) -> Tensor:
    with warnings.catch_warnings():
        # torch calls its sparse rows a beta; products with dense matrices are all that is asked of them here.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
        return torch.sparse_csr_tensor(
            torch.as_tensor(matrix.indptr, dtype=torch.int64),
            torch.as_tensor(matrix.indices, dtype=torch.int64),
            torch.as_tensor(matrix.data, dtype=torch.float32),
            size=matrix.shape,
            check_invariants=True,
        )
