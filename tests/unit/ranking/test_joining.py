"""Whether it pays to score several requests in one run."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from services.ranking.joining import joining_pays
from services.ranking.padding import keep_shape
from services.ranking.ranker import Ranker
from tests.unit.ranking.batches import random_batch


class CostlyModel:
    """A model whose runs take time as told, by a clock of their own.

    Args:
        run: Seconds of a run, whatever it scores.
        square: Seconds for the square of a candidate, which makes large runs dear.
    """

    def __init__(self, run: float, square: float) -> None:
        self._run = run
        self._square = square
        self._now = 0.0

    def clock(self) -> float:
        """Tells how long all runs have taken."""
        return self._now

    def __call__(self, **arrays: NDArray[Any]) -> NDArray[np.float32]:
        """Returns zeros."""
        candidates = len(arrays["candidates"])
        self._now += self._run + self._square * candidates**2
        return np.zeros((candidates, 1), dtype=np.float32)


@pytest.mark.parametrize(
    ("run", "square", "pays"),
    [(1e-3, 0.0, True), (0.0, 1e-6, False), (1e-3, 1e-9, True), (1e-6, 1e-6, False)],
    ids=["runs cost", "candidates cost", "runs cost more", "candidates cost more"],
)
def test_requests_are_joined_where_that_is_quicker(run: float, square: float, pays: bool) -> None:
    """By what both take with the model at hand."""
    model = CostlyModel(run, square)
    assert joining_pays(Ranker(model, 1, keep_shape), random_batch(1, 100), model.clock) is pays
