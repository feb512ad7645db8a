"""Comparing a replayed golden request with what training computed."""

import numpy as np
import pytest

from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.golden import check_replay

EXPECTED = [[1.0, -200.0], [0.0, 3.0]]


def test_what_differs_by_rounding_agrees() -> None:
    """Training and serving multiply in another order."""
    check_replay("s1", "the ranker", np.array([[1.00005, -200.01], [0.00005, 3.0]], dtype=np.float32), EXPECTED)


@pytest.mark.parametrize("wrong", [3.01, np.nan, np.inf])
def test_a_number_that_is_off_is_refused(wrong: float) -> None:
    """The refusal names the snapshot and the model."""
    with pytest.raises(SnapshotRefused, match="snapshot s1: the ranker is off by"):
        check_replay("s1", "the ranker", np.array([[1.0, -200.0], [0.0, wrong]], dtype=np.float32), EXPECTED)


def test_another_shape_is_refused() -> None:
    """Broadcasting must not make a wrong shape agree."""
    with pytest.raises(SnapshotRefused, match=r"the ranker gives shape \(2, 1\) where golden.json has \(2, 2\)"):
        check_replay("s1", "the ranker", np.array([[1.0], [3.0]], dtype=np.float32), EXPECTED)
