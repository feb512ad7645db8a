"""Searching item vectors, through Annoy and by scanning."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.recall.search_cost import SearchCosts
from services.recall.search_depth import SearchDepth
from services.recall.vector_index import VectorIndex
from tests.unit.recall.clustered import (
    ANNOY_IS_FREE,
    SCAN_IS_FREE,
    Vectors,
    best_rows,
    clustered_vectors,
    excluding,
    index_over,
)

LIMIT = 20
ITEMS = 8000
QUERIES = clustered_vectors(50, seed=1)
NOTHING = excluding(*[[]] * len(QUERIES))
NOTHING_OF_FOUR = excluding([], [], [], [])
BOTH_WAYS = pytest.mark.parametrize("way", ["scanned", "annoy"])


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    """The item vectors."""
    return clustered_vectors(ITEMS)


@pytest.fixture(scope="module")
def annoy(vectors: Vectors) -> VectorIndex:
    """An index that is searched through Annoy."""
    return index_over(vectors, ANNOY_IS_FREE)


@pytest.fixture(scope="module")
def scanned(vectors: Vectors) -> VectorIndex:
    """An index that is scanned."""
    return index_over(vectors, SCAN_IS_FREE)


@pytest.fixture
def index(way: str, request: pytest.FixtureRequest) -> VectorIndex:
    """One of the two."""
    chosen: VectorIndex = request.getfixturevalue(way)
    return chosen


def recall(index: VectorIndex, vectors: Vectors, limit: int = LIMIT) -> float:
    """Returns the share of the exact lists that the index finds."""
    hits = [
        len(set(best_rows(vectors @ query, [], limit)) & set(found.rows.tolist()))
        for query, found in zip(QUERIES, index.search(QUERIES, NOTHING, limit), strict=True)
    ]
    return float(np.mean(hits)) / limit


def cosines(vectors: Vectors, row: int) -> NDArray[np.float64]:
    """Returns the cosine similarity of every item to one of them, float64 [items]."""
    wide = vectors.astype(np.float64)
    return np.asarray(wide @ wide[row] / np.linalg.norm(wide, axis=1) / np.linalg.norm(wide[row]))


def test_annoy_finds_most_of_what_an_exact_search_finds(annoy: VectorIndex, vectors: Vectors) -> None:
    """On clustered vectors of different lengths the mean recall is at least 0.7 for the default search."""
    assert 0.7 <= recall(annoy, vectors) < 1.0


def test_a_larger_search_k_of_the_snapshot_finds_more(annoy: VectorIndex, vectors: Vectors) -> None:
    """What training measured as necessary is inspected, even where Annoy's default is less."""
    thorough = index_over(vectors, ANNOY_IS_FREE, depth=SearchDepth(900))
    assert recall(thorough, vectors) > recall(annoy, vectors)


def test_a_measured_depth_is_all_that_is_inspected(vectors: Vectors) -> None:
    """Annoy's default of trees times the list's length is not forced upon a measured depth; it finds more, for more."""
    measured = index_over(vectors, ANNOY_IS_FREE, trees=30, depth=SearchDepth(300, neighbours=200))
    assert recall(measured, vectors, 200) < recall(index_over(vectors, ANNOY_IS_FREE, trees=30), vectors, 200)


@BOTH_WAYS
def test_scores_are_exact_inner_products_in_falling_order(index: VectorIndex, vectors: Vectors) -> None:
    """Whatever the index approximates, the scores and their order do not."""
    for query, found in zip(QUERIES, index.search(QUERIES, NOTHING, LIMIT), strict=True):
        assert len(found.rows) == LIMIT
        np.testing.assert_allclose(found.scores, vectors[found.rows] @ query, rtol=1e-4, atol=1e-5)
        assert (np.diff(found.scores) <= 0).all()


@BOTH_WAYS
def test_excluded_rows_are_replaced_by_the_next_best(index: VectorIndex) -> None:
    """Excluding everything that was found gives as many others, none of them excluded."""
    before = [found.rows.tolist() for found in index.search(QUERIES, NOTHING, LIMIT)]
    again = index.search(QUERIES, excluding(*[rows + rows for rows in before]), LIMIT)
    for excluded, found in zip(before, again, strict=True):
        assert len(found.rows) == LIMIT
        assert not set(found.rows.tolist()) & set(excluded)


@pytest.mark.parametrize(
    "costs", [ANNOY_IS_FREE, SearchCosts(read=1e-9, multiply=2e-9, select=0.0, settle=0.0, node=1e-6)]
)
def test_somebody_who_has_seen_all_that_is_near_gets_a_whole_list(vectors: Vectors, costs: SearchCosts) -> None:
    """When exclusions leave too few, the search goes deeper, through Annoy or by a scan; the others keep their answer."""
    index = index_over(vectors, costs, depth=SearchDepth(200, neighbours=LIMIT))
    near = [best_rows(vectors @ query, [], 3000) for query in QUERIES[:2]]
    usual = index.search(QUERIES[:4], NOTHING_OF_FOUR, LIMIT)
    found = index.search(QUERIES[:4], excluding(near[0], [], near[1], []), LIMIT)
    assert [len(one.rows) for one in found] == [LIMIT] * 4
    assert not set(found[0].rows.tolist()) & set(near[0])
    for unmoved in (1, 3):
        assert found[unmoved].rows.tolist() == usual[unmoved].rows.tolist()


def test_scanning_is_exact_and_says_so(scanned: VectorIndex, annoy: VectorIndex, vectors: Vectors) -> None:
    """The scan's answer is that of an exact search, exclusions included; Annoy's does not claim to be."""
    excluded = [list(range(query, ITEMS, 3)) for query in range(len(QUERIES))]
    for query, banned, found in zip(
        QUERIES, excluded, scanned.search(QUERIES, excluding(*excluded), LIMIT), strict=True
    ):
        assert found.rows.tolist() == best_rows(np.vecdot(vectors, query), banned, LIMIT)
        assert found.exact
    assert not any(found.exact for found in annoy.search(QUERIES, NOTHING, LIMIT))


def test_an_audit_gets_what_a_scan_would_find(annoy: VectorIndex, scanned: VectorIndex) -> None:
    """Whichever way the index answers."""
    exact = annoy.exact(QUERIES, NOTHING, LIMIT)
    assert [one.rows.tolist() for one in exact] == [
        one.rows.tolist() for one in scanned.search(QUERIES, NOTHING, LIMIT)
    ]


def test_company_decides_how_to_search(vectors: Vectors) -> None:
    """A batch shares the cost of a scan: it is scanned where one query alone is searched through Annoy."""
    costs = SearchCosts(read=1e-9, multiply=0.0, select=0.0, settle=0.0, node=1e-6)
    index = index_over(vectors, costs, depth=SearchDepth(100, neighbours=LIMIT))  # a scan costs 128 us, Annoy 100 us
    (alone,) = index.search(QUERIES[:1], excluding([]), LIMIT)
    assert not alone.exact
    assert all(one.exact for one in index.search(QUERIES[:2], excluding([], []), LIMIT))


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 3e38])
@BOTH_WAYS
def test_a_query_without_a_finite_preference_finds_nothing(index: VectorIndex, value: float) -> None:
    """No history encodes to zero in some channels; no query may lead to a score that is not finite; others are answered."""
    queries = np.vstack([QUERIES[:1], np.full((1, 16), value, dtype=np.float32), QUERIES[1:2]])
    found = index.search(queries, excluding([1], [2], [3]), LIMIT)
    assert [len(one.rows) for one in found] == [LIMIT, 0, LIMIT]
    (alone,) = index.search(queries[1:2], excluding([]), LIMIT)
    assert alone.rows.tolist() == []


def test_items_alike_are_the_nearest_by_cosine(scanned: VectorIndex, vectors: Vectors) -> None:
    """Scanned, the answer is exact, and the item itself is not in it."""
    asked = np.array([7, 100, 7])
    for row, found in zip(asked.tolist(), scanned.similar(asked, LIMIT), strict=True):
        alike = cosines(vectors, row)
        np.testing.assert_allclose(found.scores, np.sort(np.delete(alike, row))[::-1][:LIMIT], rtol=1e-4)
        np.testing.assert_allclose(found.scores, alike[found.rows], rtol=1e-4)
        assert row not in found.rows


def test_items_alike_are_mostly_found_through_annoy() -> None:
    """At least 0.9 of the nearest by cosine are found."""
    vectors = clustered_vectors(2 * ITEMS)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = index_over(vectors, ANNOY_IS_FREE, trees=2)
    asked = np.arange(0, len(vectors), 800)
    hits = []
    for row, found in zip(asked.tolist(), index.similar(asked, 10), strict=True):
        alike = cosines(vectors, row)
        alike[row] = -np.inf
        assert row not in found.rows
        hits.append(len(set(np.argsort(-alike)[:10].tolist()) & set(found.rows.tolist())))
    assert np.mean(hits) / 10 >= 0.9


@pytest.mark.parametrize("costs", [SCAN_IS_FREE, ANNOY_IS_FREE])
def test_an_item_without_content_is_like_nothing(costs: SearchCosts) -> None:
    """The zero vector has no direction: it finds nothing, and nothing finds it."""
    vectors = clustered_vectors(300)
    vectors[3] = 0.0
    nothing, others = index_over(vectors, costs).similar(np.array([3, 4]), 300)
    assert nothing.rows.tolist() == []
    assert len(others.rows) > LIMIT
    assert 3 not in others.rows


@pytest.mark.parametrize("costs", [SCAN_IS_FREE, ANNOY_IS_FREE])
def test_vectors_that_are_all_zero_find_nothing(costs: SearchCosts) -> None:
    """A channel without any content is searched without an error."""
    index = index_over(np.zeros((50, 16), dtype=np.float32), costs)
    assert index.search(np.ones((1, 16), dtype=np.float32), excluding([]), LIMIT)[0].rows.tolist() == []
    assert index.similar(np.array([0]), LIMIT)[0].rows.tolist() == []
