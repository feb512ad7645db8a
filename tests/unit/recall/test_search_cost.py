"""What searches cost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recall.search_cost import FLOAT_COSTS, INTEGER_COSTS, SearchCosts

items = st.integers(1, 10_000_000)
dimensions = st.integers(1, 512)


@pytest.mark.parametrize("costs", [FLOAT_COSTS, INTEGER_COSTS])
@settings(deadline=None)
@given(items=items, dimension=dimensions, queries=st.integers(1, 255))
def test_a_scan_costs_less_for_each_query_of_a_larger_batch(
    costs: SearchCosts, items: int, dimension: int, queries: int
) -> None:
    """The vectors are read once for all; through Annoy every query costs as much as any other."""
    alone, together = costs.scan(items, dimension, 1), costs.scan(items, dimension, queries)
    assert alone <= together <= queries * alone * (1 + 1e-9)
    assert costs.annoy(5000, queries) == pytest.approx(queries * costs.annoy(5000, 1))


def test_the_choice_is_the_one_that_was_measured() -> None:
    """64 dimensions, 10,000 nodes: 100,000 items are scanned, alone and together; for a million it is Annoy alone."""
    annoy = INTEGER_COSTS.annoy(10_000, 1)
    assert INTEGER_COSTS.scan(100_000, 64, 1) < annoy
    assert INTEGER_COSTS.scan(100_000, 64, 32) < 32 * annoy
    assert INTEGER_COSTS.scan(1_000_000, 64, 1) > annoy


def test_a_small_catalogue_is_always_scanned() -> None:
    """Where the index has fewer items than a search inspects nodes, there is nothing to gain from it."""
    for queries in (1, 32):
        assert INTEGER_COSTS.scan(300, 64, queries) < INTEGER_COSTS.annoy(500, queries)
