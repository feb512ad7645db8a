"""Scores and rows as integers."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recall.order import first, pack, unpack

finite = st.floats(width=32, allow_nan=False)
items = st.lists(st.tuples(finite, st.integers(0, 2**32 - 1)), max_size=40, unique_by=lambda item: item[1])


@settings(deadline=None)
@given(items, st.integers(1, 50))
def test_integers_sort_as_answers_are_ordered(drawn: list[tuple[float, int]], limit: int) -> None:
    """The highest score first, ties by row, with -0 as good as 0; and nothing is lost on the way."""
    scores = np.array([score for score, _ in drawn], dtype=np.float32)
    rows = np.array([row for _, row in drawn], dtype=np.int64)
    ordered_rows, ordered_scores = unpack(first(pack(scores, rows), limit))
    expected = sorted(drawn, key=lambda item: (-item[0], item[1]))[:limit]
    assert ordered_rows.tolist() == [row for _, row in expected]
    assert ordered_scores.tolist() == [score for score, _ in expected]
