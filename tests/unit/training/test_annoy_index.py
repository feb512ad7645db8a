"""Annoy indexes."""

from pathlib import Path

import numpy as np
import pytest

from services.training import annoy_index
from services.training.annoy_index import build_index, fit_search, lost_share, measure_curve, search
from services.training.config import IndexConfig
from services.training.metrics.lists import NO_ITEM

RNG = np.random.default_rng(5)
# Lengths differ by a factor of ten: by angle alone the order would be another.
VECTORS = (RNG.normal(size=(300, 8)) * RNG.uniform(0.2, 2.0, size=(300, 1))).astype(np.float32)
QUERIES = RNG.normal(size=(20, 8)).astype(np.float32)
NOTHING = [np.empty(0, dtype=np.int64)] * len(QUERIES)


def test_the_index_orders_items_by_inner_product(tmp_path: Path) -> None:
    """Inspecting everything, the angle between augmented vectors gives the exact order of the inner products."""
    index = build_index(VECTORS, trees=5, seed=0, path=tmp_path / "index.ann")

    found = search(index, QUERIES, NOTHING, length=50, search_k=100_000)

    exact = np.argsort(-(QUERIES @ VECTORS.T), axis=1)[:, :50]
    assert np.mean(found == exact) > 0.99


def test_seen_items_are_not_found_and_others_take_their_place(tmp_path: Path) -> None:
    """A list is full although its best items were seen."""
    index = build_index(VECTORS, trees=5, seed=0, path=tmp_path / "index.ann")
    order = np.argsort(-(QUERIES @ VECTORS.T), axis=1)

    found = search(index, QUERIES, list(order[:, :30]), length=10, search_k=100_000)

    assert np.mean(found == order[:, 30:40]) > 0.99


@pytest.mark.parametrize("bound", [0.3, 0.02])
def test_a_search_goes_as_far_as_its_loss_allows(tmp_path: Path, bound: float) -> None:
    """The measured loss is within the bound, and a search that goes half as far loses more than one that goes on."""
    index = build_index(VECTORS, trees=5, seed=0, path=tmp_path / "index.ann")
    config = IndexConfig(neighbours=40, max_loss=bound, trees=5)

    fit = fit_search(index, VECTORS, QUERIES, NOTHING, config)

    exact = np.argsort(-(QUERIES @ VECTORS.T), axis=1)[:, :40]
    assert fit.loss <= bound
    assert fit.loss == pytest.approx(lost_share(exact, search(index, QUERIES, NOTHING, 40, fit.search_k)))


def test_a_curve_tells_what_each_depth_finds_of_what_was_not_seen(tmp_path: Path) -> None:
    """Depth doubles and recall rises to nearly all; each point is what a search of that depth finds of the exact list."""
    index = build_index(VECTORS, trees=5, seed=0, path=tmp_path / "index.ann")
    order = np.argsort(-(QUERIES @ VECTORS.T), axis=1)
    seen = list(order[:, :10])

    curve = measure_curve(index, VECTORS, QUERIES, seen, neighbours=40)

    assert [point.search_k for point in curve] == [40 * 2**step for step in range(len(curve))]
    assert [point.recall for point in curve] == sorted(point.recall for point in curve)
    assert curve[0].recall < 0.9
    assert curve[-2].recall < 0.995 <= curve[-1].recall
    for point in curve:
        found = search(index, QUERIES, seen, 40, point.search_k)
        assert point.recall == pytest.approx(1.0 - lost_share(order[:, 10:50], found))
        assert point.neighbours == 40
        assert point.milliseconds > 0.0


def test_a_curve_of_a_small_catalogue_is_over_all_of_it(tmp_path: Path) -> None:
    """Lists are no longer than the catalogue, and the curve ends when everything was inspected."""
    index = build_index(VECTORS[:30], trees=3, seed=0, path=tmp_path / "index.ann")

    curve = measure_curve(index, VECTORS[:30], QUERIES, NOTHING, neighbours=500)

    assert {point.neighbours for point in curve} == {30}
    assert curve[-1].recall == 1.0


def test_exact_lists_do_not_depend_on_how_many_are_computed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large catalogue is compared a few queries at a time."""
    index = build_index(VECTORS, trees=5, seed=0, path=tmp_path / "index.ann")
    seen = list(np.argsort(-(QUERIES @ VECTORS.T), axis=1)[:, :10])
    whole = measure_curve(index, VECTORS, QUERIES, seen, neighbours=40)
    monkeypatch.setattr(annoy_index, "_EXACT_SCORES", 3 * len(VECTORS))

    parts = measure_curve(index, VECTORS, QUERIES, seen, neighbours=40)

    assert [point.recall for point in parts] == [point.recall for point in whole]


def test_equal_seeds_build_equal_indexes(tmp_path: Path) -> None:
    """Byte for byte."""
    files = [tmp_path / "one.ann", tmp_path / "same.ann", tmp_path / "other.ann"]
    for path, seed in zip(files, (0, 0, 1), strict=True):
        build_index(VECTORS, trees=5, seed=seed, path=path)

    one, same, other = (path.read_bytes() for path in files)
    assert one == same != other


def test_the_loss_counts_only_what_exact_search_has() -> None:
    """By hand: two of three and one of one kept; a query with nothing to find does not count."""
    exact = np.asarray([[1, 2, 3], [4, NO_ITEM, NO_ITEM], [NO_ITEM] * 3])
    found = np.asarray([[3, 1, 9], [4, 7, 8], [5, 6, 7]])

    assert lost_share(exact, found) == pytest.approx(1 / 6)
