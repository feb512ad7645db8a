"""How items are dealt out to blocks."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recall.blocks import Blocks

WAYS = (Blocks.deal, Blocks.cut)


@pytest.mark.parametrize("way", WAYS)
@given(items=st.integers(0, 300), most=st.integers(1, 40))
def test_each_item_has_one_place_and_is_found_there(way: Callable[[int, int], Blocks], items: int, most: int) -> None:
    """Slices, rows and places agree, whatever is left for the last block."""
    blocks = way(items, most)
    rows = np.arange(items)
    own, columns = blocks.places(rows)
    met = []
    for block in range(blocks.count):
        here = rows[blocks.slice_of(block)]
        assert 0 < len(here) <= most
        assert blocks.rows(block, np.arange(len(here))).tolist() == here.tolist()
        assert own[here].tolist() == [block] * len(here)
        assert columns[here].tolist() == list(range(len(here)))
        met += here.tolist()
    assert sorted(met) == rows.tolist()


def test_a_dealt_block_is_trusted_as_far_as_chance_may_mislead() -> None:
    """Its share of the limit and four standard deviations; never more than the limit, which is certain."""
    assert Blocks.deal(1000, 1000).rank(500) == 500
    assert Blocks.deal(1000, 500).rank(500) == 295 + 1  # 250 and 4 times 11.18
    assert Blocks.deal(1_000_000, 62_500).rank(500) == 53 + 1  # 31.25 and 4 times 5.41
    assert Blocks.deal(1_000_000, 62_500).rank(3) == 3
    assert Blocks.cut(1_000_000, 62_500).rank(500) == 500


def test_the_rank_is_wrong_in_less_than_one_draw_in_a_thousand() -> None:
    """Of shuffled catalogues: the item in that place of the first block is hardly ever among the first of all."""
    blocks, limit = Blocks.deal(3200, 200), 100
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(3000):
        scores = random.permutation(blocks.items)
        place = np.sort(scores[blocks.slice_of(0)])[-blocks.rank(limit)]
        wrong += place > blocks.items - limit
    assert wrong <= 3
