"""What searches cost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recall.search_cost import MEASURED

items = st.integers(1, 10_000_000)
dimensions = st.integers(1, 512)


@settings(deadline=None)
@given(items, dimensions, st.integers(1, 255))
def test_a_scan_costs_less_for_each_query_of_a_larger_batch(items: int, dimension: int, queries: int) -> None:
    """The vectors are read once for all; through Annoy every query costs as much as any other."""
    alone, together = MEASURED.scan(items, dimension, 1), MEASURED.scan(items, dimension, queries)
    assert alone <= together <= queries * alone * (1 + 1e-9)
    assert MEASURED.annoy(5000, queries) == pytest.approx(queries * MEASURED.annoy(5000, 1))


def test_the_choice_is_the_one_that_was_measured() -> None:
    """64 dimensions, 10,000 nodes: 100,000 items are scanned, alone and together; for a million it is Annoy alone."""
    annoy = MEASURED.annoy(10_000, 1)
    assert MEASURED.scan(100_000, 64, 1) < annoy
    assert MEASURED.scan(100_000, 64, 32) < 32 * annoy
    assert MEASURED.scan(1_000_000, 64, 1) > annoy


def test_a_small_catalogue_is_always_scanned() -> None:
    """Where the index has fewer items than a search inspects nodes, there is nothing to gain from it."""
    for queries in (1, 32):
        assert MEASURED.scan(300, 64, queries) < MEASURED.annoy(500, queries)
