"""What many of a block's scores reach."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recall.reached import reached_by


@given(width=st.integers(1, 5000), data=st.data())
def test_as_many_scores_reach_it_as_were_asked_for(width: int, data: st.DataObject) -> None:
    """Whatever the width leaves over, and however many scores are the same."""
    rank = data.draw(st.integers(1, width))
    values = data.draw(st.sampled_from((2, 50, 2**31)))
    scores = np.random.default_rng(width).integers(-values, values, (3, width)).astype(np.int32)
    reached = reached_by(scores, rank)
    assert ((scores >= reached[:, None]).sum(axis=1) >= rank).all()


@pytest.mark.parametrize(("width", "rank"), [(65_536, 54), (50_000, 296), (10_000, 500), (3000, 2000)])
def test_hardly_more_scores_reach_it(width: int, rank: int) -> None:
    """A tenth more at most: what reaches it is scored again, one by one."""
    scores = np.random.default_rng(0).standard_normal((20, width)).astype(np.float32)
    reached = reached_by(scores, rank)
    assert (scores >= reached[:, None]).sum(axis=1).mean() <= 1.1 * rank
