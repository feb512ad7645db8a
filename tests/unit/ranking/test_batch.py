"""Joining batches and cutting them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranking.batch import ScoringBatch, cut, join
from tests.snapshot_weights import Weights
from tests.unit.ranking.batches import random_batch

WEIGHTS = Weights.draw(200, seed=0)

sizes = st.tuples(st.integers(1, 5), st.integers(0, 30), st.integers(1, 8))


def scores(batch: ScoringBatch) -> np.ndarray:
    """Computes the scores of a batch in NumPy, every input of which makes a difference."""
    return WEIGHTS.scores(
        batch.history, batch.user_features, batch.candidates, batch.candidate_features, batch.candidate_query
    )


@given(st.lists(sizes, min_size=1, max_size=6))
def test_joined_batches_score_as_they_do_apart(shapes: list[tuple[int, int, int]]) -> None:
    """In the order of the batches, however many queries, candidates and history items each has."""
    batches = [random_batch(q, n, width=w, seed=seed) for seed, (q, n, w) in enumerate(shapes)]
    joined = join(batches)
    assert joined.queries == sum(batch.queries for batch in batches)
    assert joined.history.shape[1] == max(batch.history.shape[1] for batch in batches)
    apart = np.concatenate([scores(batch) for batch in batches])
    np.testing.assert_allclose(scores(joined), apart, rtol=1e-5, atol=1e-5)


def test_a_batch_alone_is_not_copied() -> None:
    """A request that nobody came with pays nothing."""
    batch = random_batch(2, 9)
    assert join([batch]) is batch


@given(queries=st.integers(1, 9), candidates=st.integers(0, 80), most=st.integers(1, 90), in_order=st.booleans())
def test_a_batch_in_parts_scores_as_it_does_whole(queries: int, candidates: int, most: int, in_order: bool) -> None:
    """No part is larger than it may be, also where candidates are not sorted by query."""
    batch = random_batch(queries, candidates)
    if not in_order:
        np.random.default_rng(1).shuffle(batch.candidate_query)
    parts = list(cut(batch, most))
    assert all(len(part) <= most for part in parts)
    together = np.concatenate([scores(part) for part in parts])
    np.testing.assert_allclose(together, scores(batch), rtol=1e-5, atol=1e-5)


def test_a_part_has_no_queries_that_it_does_not_need() -> None:
    """Encoding a history is most of what a query costs."""
    batch = random_batch(8, 0)
    batch = ScoringBatch(
        batch.history,
        batch.user_features,
        np.zeros(80, dtype=np.int64),
        np.zeros((80, 3), dtype=np.float32),
        np.repeat(np.arange(8), 10),
    )
    assert [part.queries for part in cut(batch, 20)] == [2, 2, 2, 2]


@pytest.mark.parametrize("most", [20, 21])
def test_a_batch_that_is_small_enough_is_not_cut(most: int) -> None:
    """It is itself."""
    batch = random_batch(2, 20)
    assert next(cut(batch, most)) is batch
