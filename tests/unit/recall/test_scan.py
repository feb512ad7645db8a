"""Exact search by matrix product."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.recall import float_scores, integer_scores, scratch
from services.recall.crew import Crew
from services.recall.float_scores import FloatScores
from services.recall.integer_scores import IntegerScores
from services.recall.scan import Scan
from tests.unit.recall.clustered import Vectors, best_rows, clustered_vectors, excluding

KINDS = ("floats", "integers")


def scan_over(vectors: Vectors, kind: str) -> Scan:
    """Returns the scan by inner product."""
    longest = float(np.linalg.norm(vectors, axis=1).max())
    return Scan(vectors, FloatScores(vectors, longest) if kind == "floats" else IntegerScores(vectors, longest))


@st.composite
def searches(draw: st.DrawFn) -> tuple[Vectors, Vectors, list[list[int]], int]:
    """Draws vectors of small whole numbers, whose scores are exact and often the same; queries; exclusions; a limit."""
    items, dimension, queries = draw(st.integers(1, 60)), draw(st.integers(1, 4)), draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    vectors = random.integers(-2, 3, (items, dimension)).astype(np.float32)
    asked = random.integers(-2, 3, (queries, dimension)).astype(np.float32)
    excluded = [draw(st.lists(st.integers(0, items - 1), max_size=items)) for _ in range(queries)]
    return vectors, asked, excluded, draw(st.integers(1, 70))


def set_block_size(patch: pytest.MonkeyPatch, scores: int) -> None:
    """Makes blocks so small that even a small catalogue has many."""
    patch.setattr(float_scores, "BLOCK_SCORES", scores)
    patch.setattr(integer_scores, "BLOCK_ITEMS", max(1, scores // 16))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Returns what sets the size of blocks."""
    return lambda scores: set_block_size(monkeypatch, scores)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("block", [1 << 20, 64, 7])
@given(search=searches())
@settings(deadline=None, max_examples=60)
def test_the_answer_is_the_sorted_catalogue_without_what_is_excluded(
    block: int, kind: str, search: tuple[Vectors, Vectors, list[list[int]], int]
) -> None:
    """Whatever the blocks, ties go to the lower row, scores are the inner products, and exclusions hold."""
    vectors, queries, excluded, limit = search
    with pytest.MonkeyPatch.context() as patch:
        set_block_size(patch, block)
        found = scan_over(vectors, kind).search(queries, excluding(*excluded), limit)
    assert len(found) == len(queries)
    for query, banned, one in zip(queries, excluded, found, strict=True):
        scores = vectors @ query
        assert one.rows.tolist() == best_rows(scores, banned, limit)
        assert one.scores.tolist() == scores[one.rows].tolist()
        assert one.exact


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("block", [1 << 20, 1 << 14])
@pytest.mark.parametrize("dimension", [7, 64])
def test_the_order_is_that_of_scores_computed_one_by_one(
    dimension: int, block: int, kind: str, small_blocks: Callable[[int], None]
) -> None:
    """What rough scores are off by depends on the item and its place; the answer does not: not a bit differs."""
    small_blocks(block)
    vectors = clustered_vectors(5000, dimension)
    # In every place that the product treats differently: the same item over and over, and items that differ by less
    # than rounding does.
    vectors[1::3] = vectors[0]
    vectors[2::3] = vectors[0] * (1 + 1e-7 * np.random.default_rng(0).integers(-4, 5, (len(vectors[2::3]), 1)))
    queries = np.vstack([clustered_vectors(10, dimension, seed=1), vectors[:10]])
    found = scan_over(vectors, kind).search(queries, excluding(*[[]] * 20), 900)
    for query, one in zip(queries, found, strict=True):
        scores = np.vecdot(vectors, query)
        assert one.rows.tolist() == best_rows(scores, [], 900)
        assert one.scores.tolist() == scores[one.rows].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_answers_as_its_queries_do_alone(kind: str, small_blocks: Callable[[int], None]) -> None:
    """To the bit, for more queries than are scored together, with exclusions of different lengths."""
    small_blocks(1 << 14)
    vectors = clustered_vectors(3000)
    queries = clustered_vectors(100, seed=2)
    excluded = [list(range(0, 10 * query, 7)) for query in range(100)]
    scan = scan_over(vectors, kind)
    together = scan.search(queries, excluding(*excluded), 40)
    for query, one in enumerate(together):
        (alone,) = scan.search(queries[query : query + 1], excluding(excluded[query]), 40)
        assert alone.rows.tolist() == one.rows.tolist()
        assert alone.scores.tolist() == one.scores.tolist()


def test_nothing_is_lost_where_the_first_block_is_better_than_the_others(small_blocks: Callable[[int], None]) -> None:
    """It promises more than the others hold; what was left out because of that is found all the same."""
    small_blocks(16 * 100)
    vectors = clustered_vectors(1000)
    better, usual = clustered_vectors(1, seed=5), clustered_vectors(4, seed=6)
    vectors[::10] += 10 * better  # each tenth item is in the first block
    queries = np.vstack([usual, better])
    excluded = [[0, 1], [], [500], [], [10, 990]]
    found = scan_over(vectors, "integers").search(queries, excluding(*excluded), 120)
    for query, banned, one in zip(queries, excluded, found, strict=True):
        assert one.rows.tolist() == best_rows(np.vecdot(vectors, query), banned, 120)


@pytest.mark.parametrize("kind", KINDS)
def test_threads_that_help_do_not_change_the_answer(kind: str, small_blocks: Callable[[int], None]) -> None:
    """Blocks of items are spread over threads; each keeps its own list."""
    small_blocks(1 << 12)
    vectors = clustered_vectors(20_000)
    queries = clustered_vectors(16, seed=3)
    nothing = excluding(*[[]] * 16)
    alone = scan_over(vectors, kind).search(queries, nothing, 30)
    with ThreadPoolExecutor(3) as pool:
        scan = scan_over(vectors, kind)
        helped = [scan.search(queries, nothing, 30, Crew(pool, 4), helpers=3) for _ in range(20)]
    for found in helped:
        assert [one.rows.tolist() for one in found] == [one.rows.tolist() for one in alone]


@pytest.mark.parametrize("kind", KINDS)
def test_scratch_memory_does_not_grow_with_the_catalogue(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread holds the scores of one block, however many items and queries there are."""
    monkeypatch.setattr(scratch, "_thread", threading.local())
    scan_over(clustered_vectors(100_000, 2), kind).search(clustered_vectors(64, 2), excluding(*[[]] * 64), 5)
    memory: NDArray[np.uint8] = scratch._thread.memory
    assert memory.nbytes <= 8 << 20


def test_a_divisor_of_zero_takes_an_item_out() -> None:
    """With lengths as divisors the scores are cosines, and what has no direction is never found."""
    vectors = clustered_vectors(300)
    vectors[5] = 0.0
    lengths = np.sqrt(np.vecdot(vectors, vectors))
    direction = vectors[7] / lengths[7]
    (found,) = Scan(vectors, FloatScores(vectors, 1.0, lengths), lengths).search(direction[None], excluding([7]), 400)
    with np.errstate(invalid="ignore"):
        cosines = np.vecdot(vectors, direction) / lengths
    assert found.rows.tolist() == best_rows(np.where(lengths > 0, cosines, -9), [5, 7], 400)
