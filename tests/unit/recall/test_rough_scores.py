"""Rough scores: how far they may be from exact ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.recall import integer_scores
from services.recall.float_scores import FloatScores
from services.recall.integer_scores import IntegerScores
from services.recall.rough_scores import RoughScores, Scale
from services.recall.scan import Scan
from services.recall.search_cost import FLOAT_COSTS, INTEGER_COSTS
from tests.unit.recall.clustered import Vectors, clustered_vectors

BOTH = (FloatScores, IntegerScores)


def longest(vectors: Vectors) -> float:
    """Returns the length of the longest vector."""
    return float(np.linalg.norm(vectors.astype(np.float64), axis=1).max()) * (1 + 1e-6)


def rough_and_exact(
    scores: RoughScores, vectors: Vectors, queries: Vectors
) -> tuple[NDArray[np.float64], NDArray[np.float64], Scale]:
    """Returns rough scores in the units of exact ones, exact ones computed in float64, and the scale."""
    asked = scores.of(queries)
    rough = np.empty((len(queries), len(vectors)))
    for block in range(asked.blocks.count):
        rough[:, asked.blocks.slice_of(block)] = asked.scores(block)
    return (
        rough * asked.scale.unit[:, None],
        queries.astype(np.float64) @ vectors.astype(np.float64).T,
        asked.scale,
    )


@pytest.mark.parametrize("kind", BOTH)
@given(
    seed=st.integers(0, 10_000),
    items=st.integers(1, 50),
    dimension=st.integers(1, 70),
    magnitudes=st.tuples(st.integers(-30, 15), st.integers(-30, 15)),
)
@settings(deadline=None, max_examples=100)
def test_no_score_is_further_off_than_the_margin(
    kind: type[FloatScores | IntegerScores], seed: int, items: int, dimension: int, magnitudes: tuple[int, int]
) -> None:
    """Whatever the sizes of vectors and queries, and where they fall between two steps."""
    random = np.random.default_rng(seed)
    vectors, queries = (
        (random.standard_normal((count, dimension)) * 10.0**magnitude).astype(np.float32)
        for count, magnitude in zip((items, 3), magnitudes, strict=True)
    )
    rough, exact, scale = rough_and_exact(kind(vectors, longest(vectors)), vectors, queries)
    # An exact score that is computed in float32 loses what is too small for a float32.
    assert (np.abs(rough - exact) <= scale.margin[:, None] + dimension * 1e-45).all()


def test_the_margin_counts_what_rounding_takes_from_the_query() -> None:
    """The item lies in the direction of what the query loses, and the item itself loses nothing."""
    query = np.array([[63.0, 0.49, 0.49, 0.49]], dtype=np.float32)
    vectors = np.array([[127, 0, 0, 0], [0, 127, 127, 127]], dtype=np.float32)
    rough, exact, scale = rough_and_exact(IntegerScores(vectors, longest(vectors)), vectors, query)
    assert rough[0, 1] == 0.0
    assert exact[0, 1] == pytest.approx(3 * 0.49 * 127)
    assert exact[0, 1] <= scale.margin[0] <= exact[0, 1] * 1.01


def test_the_margin_counts_what_rounding_takes_from_the_item() -> None:
    """The query lies in the direction of what the item loses, and the query itself loses nothing."""
    query = np.array([[0.0, 63.0, 63.0, 63.0]], dtype=np.float32)
    vectors = np.array([[127, 0.49, 0.49, 0.49]], dtype=np.float32)
    rough, exact, scale = rough_and_exact(IntegerScores(vectors, longest(vectors)), vectors, query)
    assert rough[0, 0] == 0.0
    assert exact[0, 0] <= scale.margin[0] <= exact[0, 0] * 1.01


def test_integers_are_exact_at_their_limits() -> None:
    """No sum of products is cut off, as it would be in 16 bits: the largest of both, in many dimensions."""
    vectors = np.full((3, 512), 127.0, dtype=np.float32)
    vectors[1] *= -1
    query = np.full((1, 512), -63.0, dtype=np.float32)
    rough, exact, _ = rough_and_exact(IntegerScores(vectors, longest(vectors)), vectors, query)
    assert rough.tolist() == exact.tolist()


def test_a_block_holds_its_own_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """Items are dealt out: the first block has one more than the others where they do not come out even."""
    monkeypatch.setattr(integer_scores, "BLOCK_ITEMS", 4)
    asked = IntegerScores(np.eye(10, dtype=np.float32), 1.0).of(np.arange(10, dtype=np.float32)[None] * 7)
    blocks = [asked.scores(block).tolist() for block in range(asked.blocks.count)]
    assert blocks == [[[127 * 7 * item for item in items]] for items in ([0, 3, 6, 9], [1, 4, 7], [2, 5, 8])]


def test_what_an_item_has_at_least_and_what_it_must_have_fit_together() -> None:
    """An item whose exact score is known would be noted with a rough score as far off as can be; excluded ones never."""
    for dtype, lowest in ((np.int32, float(np.iinfo(np.int32).min)), (np.float32, -np.inf)):
        scale = Scale(np.array([0.5, 2.0]), np.array([0.25, 3.0]), lowest)
        queries = np.arange(2)
        rough = np.array([10, lowest], dtype=dtype)
        assert scale.at_least(rough, queries).tolist() == [4.75, -np.inf]
        least = scale.least(np.array([4.75, -np.inf]), np.dtype(dtype))
        assert least.dtype == dtype
        assert 8.9 <= least[0] <= 9.0
        assert least[1] > lowest


def test_one_item_that_dwarfs_all_others_makes_integers_useless() -> None:
    """Then all others would round to nothing, and each search would look at each item exactly."""
    vectors = clustered_vectors(500)
    assert _by_product(vectors).costs is INTEGER_COSTS
    vectors[7] *= 1000
    assert _by_product(vectors).costs is FLOAT_COSTS


def _by_product(vectors: Vectors) -> Scan:
    return Scan.by_product(vectors, np.sqrt(np.vecdot(vectors, vectors)))
