"""Decision trees as a torch module: nothing but lookups and comparisons, so that they export and run as any model does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Node = Mapping[str, Any]


class TreeEnsemble(nn.Module):
    """The sum of regression trees of one depth, whose node i has the children 2i + 1 and 2i + 2.

    All rows go down all trees at once, a level a step. A branch that ends early goes on with the same value on both sides:
    that costs memory, and saves looking up where the children are.

    Args:
        features: int64 [trees, 2^depth - 1], the column that each inner node compares.
        thresholds: float32 [trees, 2^depth - 1]; a row goes left where its column is at most that.
        values: float32 [trees, 2^depth], what each leaf gives.
    """

    features: Tensor
    thresholds: Tensor
    values: Tensor

    def __init__(self, features: Tensor, thresholds: Tensor, values: Tensor) -> None:
        super().__init__()
        self.trees, self.leaves = values.shape
        self.depth = self.leaves.bit_length() - 1
        self.register_buffer("features", features.flatten())
        self.register_buffer("thresholds", thresholds.flatten())
        self.register_buffer("values", values.flatten())

    @classmethod
    def empty(cls) -> TreeEnsemble:
        """Returns one tree that gives 0 for everything."""
        return cls(torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, 1), torch.zeros(1, 2))

    @classmethod
    def of_lightgbm(cls, trees: Sequence[Node], depth: int) -> TreeEnsemble:
        """Takes trees over.

        Args:
            trees: `tree_structure` of each tree of LightGBM's `dump_model`, of numbers alone, none of which is missing.
            depth: Of the deepest, at least 1.
        """
        features = np.zeros((len(trees), 2**depth - 1), dtype=np.int64)
        thresholds = np.zeros(features.shape, dtype=np.float64)
        values = np.zeros((len(trees), 2**depth), dtype=np.float64)
        for number, tree in enumerate(trees):
            _fill(tree, 0, features[number], thresholds[number], values[number])
        return cls(
            torch.as_tensor(features),
            torch.as_tensor(round_down(thresholds)),
            torch.as_tensor(values, dtype=torch.float32),
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Returns the sum of what the trees give: float [n], for float [n, columns]."""
        node = rows.new_zeros(rows.shape[0], self.trees, dtype=torch.int64)
        for _ in range(self.depth):
            compared, threshold, _ = self._at(node, rows)
            node = 2 * node + 1 + (compared > threshold).to(torch.int64)
        first = torch.arange(self.trees, device=rows.device) * self.leaves
        return self.values[node - (self.leaves - 1) + first].sum(dim=1)

    def steady(self, rows: Tensor, tolerance: Tensor) -> Tensor:
        """Says of which rows the sum stays the same when their columns are off by a little.

        Args:
            rows: float [n, columns].
            tolerance: float [columns], by how much each may be off.

        Returns:
            bool [n].
        """
        node = rows.new_zeros(rows.shape[0], self.trees, dtype=torch.int64)
        steady = rows.new_ones(rows.shape[0], dtype=torch.bool)
        for _ in range(self.depth):
            compared, threshold, column = self._at(node, rows)
            steady &= ((compared - threshold).abs() > tolerance[column]).all(dim=1)
            node = 2 * node + 1 + (compared > threshold).to(torch.int64)
        return steady

    def _at(self, node: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What each row has in the column of its node of each tree, the threshold there, and the column: [n, trees] each."""
        place = node + torch.arange(self.trees, device=node.device) * (self.leaves - 1)
        column = self.features[place]
        return rows.gather(1, column), self.thresholds[place], column


def round_down(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Returns the largest float32 that is not above each number.

    A float32 is at most the number exactly where it is at most that: decisions stay what they are in double precision.
    """
    rounded = numbers.astype(np.float32)
    below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded.astype(np.float64) > numbers, below, rounded)


def _fill(
    node: Node,
    place: int,
    features: npt.NDArray[np.int64],
    thresholds: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
) -> None:
    """Writes a node and all below it into one tree's arrays."""
    if place >= len(features):
        values[place - len(features)] = node["leaf_value"]
        return
    left = right = node
    if "split_feature" in node:
        features[place], thresholds[place] = node["split_feature"], node["threshold"]
        left, right = node["left_child"], node["right_child"]
    _fill(left, 2 * place + 1, features, thresholds, values)
    _fill(right, 2 * place + 2, features, thresholds, values)
