"""Searching item vectors, through Annoy and by scanning."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.recall.vector_index import VectorIndex
from tests.unit.recall.clustered import Vectors, clustered_vectors, index_over

NONE = np.empty(0, dtype=np.uint32)
LIMIT = 20

#: Far more than a search for `LIMIT` inspects, so Annoy is asked; and so few that scanning is faster.
MANY, FEW = 8000, 300


@pytest.fixture(scope="module")
def large_vectors() -> Vectors:
    """Vectors of a catalogue that Annoy searches."""
    return clustered_vectors(MANY)


@pytest.fixture(scope="module")
def large(large_vectors: Vectors) -> VectorIndex:
    """An index that is searched through Annoy."""
    return index_over(large_vectors)


@pytest.fixture(scope="module")
def small_vectors() -> Vectors:
    """Vectors of a catalogue that is scanned."""
    return clustered_vectors(FEW)


@pytest.fixture(scope="module")
def small(small_vectors: Vectors) -> VectorIndex:
    """An index that is scanned."""
    return index_over(small_vectors)


def exact(vectors: Vectors, query: Vectors, excluded: NDArray[np.uint32], limit: int) -> list[int]:
    """Returns the rows with the largest inner products, by sorting all of them."""
    banned = set(excluded.tolist())
    return [row for row in np.argsort(-(vectors @ query), kind="stable").tolist() if row not in banned][:limit]


def cosines(vectors: Vectors, row: int) -> NDArray[np.float64]:
    """Returns the cosine similarity of every item to one of them, float64 [items]."""
    wide = vectors.astype(np.float64)
    return np.asarray(wide @ wide[row] / np.linalg.norm(wide, axis=1) / np.linalg.norm(wide[row]))


def test_annoy_finds_most_of_what_an_exact_search_finds(large: VectorIndex, large_vectors: Vectors) -> None:
    """On clustered vectors of different lengths the mean recall is at least 0.7 for the default search."""
    queries = clustered_vectors(50, seed=1)
    hits = [
        len(set(exact(large_vectors, query, NONE, LIMIT)) & set(large.search(query, NONE, LIMIT).rows.tolist()))
        for query in queries
    ]
    assert np.mean(hits) / LIMIT >= 0.7


def test_a_larger_search_k_of_the_snapshot_finds_more(large_vectors: Vectors, large: VectorIndex) -> None:
    """What training measured as necessary is inspected, even where Annoy's default is less."""
    thorough = index_over(large_vectors, search_k=900)
    queries = clustered_vectors(50, seed=1)

    def mean_hits(index: VectorIndex) -> float:
        lists = [(exact(large_vectors, query, NONE, LIMIT), index.search(query, NONE, LIMIT).rows) for query in queries]
        return float(np.mean([len(set(want) & set(got.tolist())) for want, got in lists]))

    assert mean_hits(thorough) > mean_hits(large)


@pytest.mark.parametrize("size", ["small", "large"])
def test_scores_are_exact_inner_products_in_falling_order(size: str, request: pytest.FixtureRequest) -> None:
    """Whatever the index approximates, the scores and their order do not."""
    index, vectors = request.getfixturevalue(size), request.getfixturevalue(f"{size}_vectors")
    query = clustered_vectors(1, seed=2)[0]
    found = index.search(query, NONE, LIMIT)
    assert len(found.rows) == LIMIT
    np.testing.assert_allclose(found.scores, vectors[found.rows] @ query, rtol=1e-5)
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("size", ["small", "large"])
def test_excluded_rows_are_replaced_by_the_next_best(size: str, request: pytest.FixtureRequest) -> None:
    """Excluding everything that was found gives as many others, none of them excluded."""
    index = request.getfixturevalue(size)
    query = clustered_vectors(1, seed=3)[0]
    excluded = index.search(query, NONE, LIMIT).rows.astype(np.uint32)
    again = index.search(query, np.concatenate([excluded, excluded]), LIMIT)
    assert len(again.rows) == LIMIT
    assert not set(again.rows.tolist()) & set(excluded.tolist())


def test_a_small_catalogue_is_searched_exactly(small: VectorIndex, small_vectors: Vectors) -> None:
    """Where scanning is faster the answer is that of an exact search, exclusions included."""
    for seed in range(5):
        query = clustered_vectors(1, seed=seed)[0]
        excluded = np.arange(0, FEW, 3, dtype=np.uint32)
        assert small.search(query, excluded, LIMIT).rows.tolist() == exact(small_vectors, query, excluded, LIMIT)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 3e38])
@pytest.mark.parametrize("size", ["small", "large"])
def test_a_query_without_a_finite_preference_finds_nothing(
    size: str, value: float, request: pytest.FixtureRequest
) -> None:
    """No history encodes to zero in some channels; and no query may lead to a score that is not finite."""
    query = np.full(16, value, dtype=np.float32)
    assert request.getfixturevalue(size).search(query, NONE, LIMIT).rows.tolist() == []


def test_items_alike_are_the_nearest_by_cosine(small: VectorIndex, small_vectors: Vectors) -> None:
    """Scanned, the answer is exact, and the item itself is not in it."""
    found = small.similar(7, LIMIT)
    alike = cosines(small_vectors, 7)
    np.testing.assert_allclose(found.scores, np.sort(np.delete(alike, 7))[::-1][:LIMIT], rtol=1e-4)
    np.testing.assert_allclose(found.scores, alike[found.rows], rtol=1e-4)
    assert 7 not in found.rows


def test_items_alike_are_mostly_found_through_annoy() -> None:
    """Where scanning all items would take longer, at least 0.9 of the nearest by cosine are found."""
    vectors = clustered_vectors(2 * MANY)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = index_over(vectors, trees=2)
    hits = []
    for row in range(0, len(vectors), 800):
        alike = cosines(vectors, row)
        alike[row] = -np.inf
        found = index.similar(row, 10)
        assert row not in found.rows
        hits.append(len(set(np.argsort(-alike)[:10].tolist()) & set(found.rows.tolist())))
    assert np.mean(hits) / 10 >= 0.9


def test_an_item_without_content_is_like_nothing() -> None:
    """The zero vector has no direction: it finds nothing, and nothing finds it."""
    vectors = clustered_vectors(FEW)
    vectors[3] = 0.0
    index = index_over(vectors)
    assert index.similar(3, LIMIT).rows.tolist() == []
    assert 3 not in index.similar(4, FEW).rows


def test_vectors_that_are_all_zero_find_nothing() -> None:
    """A channel without any content is searched without an error."""
    index = index_over(np.zeros((50, 16), dtype=np.float32))
    assert index.search(np.ones(16, dtype=np.float32), NONE, LIMIT).rows.tolist() == []
    assert index.similar(0, LIMIT).rows.tolist() == []
