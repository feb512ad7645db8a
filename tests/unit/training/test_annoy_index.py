"""Annoy indexes."""

from pathlib import Path

import numpy as np
import pytest

from services.training.annoy_index import build_index, fit_search, lost_share, search
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
