"""Padding batches to the shapes that CUDA was warmed for."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranking.limits import MAX_CANDIDATES, MAX_QUERIES
from services.ranking.padding import CANDIDATE_BUCKETS, QUERY_BUCKETS, bucket_of, keep_shape, pad_to_buckets
from services.ranking.ranker import Ranker
from shared.snapshot.graphs import RANKER
from tests.snapshot_graphs import ranker_graph
from tests.snapshot_weights import OBJECTIVES, Weights
from tests.unit.ranking.batches import random_batch

MAX_HISTORY = 12


@pytest.mark.parametrize(("size", "bucket"), [(1, 1), (2, 4), (4, 4), (5, 16), (256, 256)])
def test_a_size_goes_into_the_smallest_bucket_that_holds_it(size: int, bucket: int) -> None:
    """A bucket's own size is still in it."""
    assert bucket_of(size, QUERY_BUCKETS) == bucket


def test_every_size_that_the_contract_allows_has_a_bucket() -> None:
    """Nothing that is accepted can fail for want of a bucket."""
    assert bucket_of(MAX_QUERIES, QUERY_BUCKETS) == MAX_QUERIES
    assert bucket_of(MAX_CANDIDATES, CANDIDATE_BUCKETS) == MAX_CANDIDATES


@given(queries=st.integers(1, 256), candidates=st.integers(0, 3000), width=st.integers(1, MAX_HISTORY))
def test_padding_gives_warmed_shapes_and_keeps_what_was_there(queries: int, candidates: int, width: int) -> None:
    """True queries and candidates come first; padded ones point at rows and queries that exist."""
    batch = random_batch(queries, candidates, width=width)
    padded = pad_to_buckets(batch, MAX_HISTORY)
    assert padded.queries in QUERY_BUCKETS
    assert len(padded) in CANDIDATE_BUCKETS
    assert padded.history.shape == (padded.queries, MAX_HISTORY)
    assert padded.user_features.shape == (padded.queries, 6)
    assert padded.candidate_features.shape == (len(padded), 3)
    np.testing.assert_array_equal(padded.history[:queries, MAX_HISTORY - width :], batch.history)
    assert (padded.history[:queries, : MAX_HISTORY - width] == -1).all()
    assert (padded.history[queries:] == -1).all()
    np.testing.assert_array_equal(padded.user_features[:queries], batch.user_features)
    for name in ("candidates", "candidate_features", "candidate_query"):
        np.testing.assert_array_equal(getattr(padded, name)[:candidates], getattr(batch, name))
        assert not getattr(padded, name)[candidates:].any()


@pytest.mark.parametrize(("queries", "candidates"), [(1, 1), (3, 300), (17, 256), (5, 0)])
def test_padded_runs_score_as_unpadded_ones_do(tmp_path: Path, queries: int, candidates: int) -> None:
    """A real model gives the same scores, and as many as there are candidates."""
    (tmp_path / "model.onnx").write_bytes(ranker_graph(Weights.draw(200, seed=0)))
    model = RANKER.open(tmp_path / "model.onnx", threads=1)
    batch = random_batch(queries, candidates)
    plain = Ranker(model, len(OBJECTIVES), keep_shape).score(batch)
    padded = Ranker(model, len(OBJECTIVES), lambda one: pad_to_buckets(one, MAX_HISTORY)).score(batch)
    assert plain.shape == (candidates, len(OBJECTIVES))
    np.testing.assert_allclose(padded, plain, rtol=1e-5, atol=1e-5)
