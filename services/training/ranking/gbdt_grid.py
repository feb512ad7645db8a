"""Thresholds that rounding does not reach, where values are many times the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

#: Steps in a column's standard deviation.
_STEPS = 512

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A grid for each column, whose points trees are grown on.

    A similarity of an item with itself is 1 or 0.99999994, as the processor rounds; trees grown on that would split between
    the two, and give other scores on another processor. On a grid both are one point, and thresholds lie half a step away.
    Points are numbered from 1: LightGBM has a rule of its own for 0.

    Attributes:
        origins: float64 [columns], the point with the number 1.
        steps: float64 [columns], from a point to the next.
    """

    origins: npt.NDArray[np.float64]
    steps: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rows: Rows) -> Grid:
        """Lays the grid out for these rows, float32 [n, columns]."""
        steps = rows.std(axis=0, dtype=np.float64) / _STEPS
        return cls(rows.min(axis=0).astype(np.float64), np.where(steps > 0, steps, 1.0))

    def points(self, rows: Rows) -> Rows:
        """Returns the number of the point that is nearest to each value: float32 [n, columns]."""
        points = np.empty_like(rows)
        for column in range(rows.shape[1]):
            points[:, column] = np.rint((rows[:, column] - self.origins[column]) / self.steps[column]) + 1.0
        return points

    def thresholds(self, tree: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns a tree of `dump_model` that was grown on points, with the thresholds that the values are compared with."""
        if "split_feature" not in tree:
            return tree
        column = tree["split_feature"]
        # Points are whole numbers: what goes left reaches half a step beyond the last of them, and point 1 is the origin.
        between = np.floor(tree["threshold"]) + 0.5 - 1.0
        children = {side: self.thresholds(tree[side]) for side in ("left_child", "right_child")}
        return {**tree, **children, "threshold": float(self.origins[column] + between * self.steps[column])}

    def tolerances(self) -> npt.NDArray[np.float64]:
        """Returns by how much values may be off without leaving their point, with a factor of two to spare: [columns]."""
        return self.steps / 4
