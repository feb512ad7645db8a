"""Annoy indexes: built, and searched no further than their loss against exact search allows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from annoy import AnnoyIndex

from services.training.config import IndexConfig
from services.training.metrics import history_mask, top_k
from services.training.metrics.lists import NO_ITEM
from services.training.recall_lists import Lists
from shared.inner_product import augment, augment_queries
from shared.snapshot.manifest import SearchPoint

_FIRST_SEARCH_K = 250
_GROWTH = 1.5

#: From one point of a curve to the next the search goes this much deeper; nobody asks for more recall than the last has.
_CURVE_GROWTH = 2.0
_CURVE_ENDS_AT = 0.995

#: Scores of exact search that are held at once.
_EXACT_SCORES = 1 << 24

Vectors = npt.NDArray[np.float32]
Histories = Sequence[npt.NDArray[np.integer]]


@dataclass(frozen=True, slots=True)
class IndexFit:
    """An index and how to search it.

    Attributes:
        trees: How many it has.
        search_k: Nodes to inspect for a query.
        loss: Share of exact search's list that a search with them lost, on average over the measured queries.
        milliseconds: Of such a search, on average.
        curve: What other depths reach, for lists as long as recall's; see `measure_curve`.
    """

    trees: int
    search_k: int
    loss: float
    milliseconds: float
    curve: tuple[SearchPoint, ...] = ()


def build_index(vectors: Vectors, trees: int, seed: int, path: Path) -> AnnoyIndex:
    """Builds and saves an index whose angles order items as the inner product with `vectors` does.

    Args:
        vectors: float32 [items, dimension].
        trees: How many to build.
        seed: Of the random splits; one thread builds, for with more the trees depend on their timing.
        path: Where to save it; folders are made.
    """
    augmented = augment(vectors)
    index = AnnoyIndex(augmented.shape[1], "angular")
    index.set_seed(seed + 1)  # Annoy takes 0 for "no seed"
    for row, vector in enumerate(augmented):
        index.add_item(row, vector)
    index.build(trees, n_jobs=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    index.save(str(path))
    return index


def fit_search(index: AnnoyIndex, vectors: Vectors, queries: Vectors, seen: Histories, config: IndexConfig) -> IndexFit:
    """Finds the smallest `search_k` that loses no more than `config.max_loss` of exact search's unseen items.

    Args:
        index: From `build_index`.
        vectors: What it was built from.
        queries: float32 [queries, dimension], as the real encoder gives them.
        seen: Item rows of each query that must not be found.
        config: The bound, and the length of the lists.
    """
    length = min(config.neighbours, len(vectors))
    exact = _exact_lists(vectors, queries, seen, length)
    everything = 2 * len(vectors) * config.trees
    search_k = _FIRST_SEARCH_K
    while True:
        loss, milliseconds = _measure(index, queries, seen, exact, search_k)
        if loss <= config.max_loss or search_k >= everything:
            return IndexFit(config.trees, search_k, loss, milliseconds)
        search_k = round(search_k * _GROWTH)


def measure_curve(
    index: AnnoyIndex, vectors: Vectors, queries: Vectors, seen: Histories, neighbours: int
) -> tuple[SearchPoint, ...]:
    """Measures what searches of rising depth find of exact search's unseen items, and how long they take.

    Each inspects twice as many nodes as the one before; the last finds 99.5 % or has inspected all there are.

    Args:
        index: From `build_index`.
        vectors: What it was built from.
        queries: float32 [queries, dimension], as the real encoder gives them.
        seen: Item rows of each query that must not be found.
        neighbours: The length of the lists, cut to the number of items.
    """
    length = min(neighbours, len(vectors))
    exact = _exact_lists(vectors, queries, seen, length)
    everything = 2 * len(vectors) * index.get_n_trees()
    search_k = length  # with fewer nodes there could not be as many neighbours
    points: list[SearchPoint] = []
    while not points or (points[-1].recall < _CURVE_ENDS_AT and points[-1].search_k < everything):
        loss, milliseconds = _measure(index, queries, seen, exact, search_k)
        points.append(SearchPoint(neighbours=length, search_k=search_k, recall=1.0 - loss, milliseconds=milliseconds))
        search_k = round(search_k * _CURVE_GROWTH)
    return tuple(points)


def search(index: AnnoyIndex, queries: Vectors, seen: Histories, length: int, search_k: int) -> Lists:
    """Finds the nearest unseen items of each query.

    Args:
        index: From `build_index`.
        queries: float32 [queries, dimension].
        seen: Item rows of each query to leave out; the search goes deeper by as many.
        length: How many to find.
        search_k: Nodes to inspect.

    Returns:
        int64 [queries, length].
    """
    lists = np.full((len(queries), length), NO_ITEM, dtype=np.int64)
    for row, query, history in zip(lists, augment_queries(queries), seen, strict=True):
        found = np.asarray(index.get_nns_by_vector(query, length + len(history), search_k), dtype=np.int64)
        unseen = found[~np.isin(found, history)][:length]
        row[: len(unseen)] = unseen
    return lists


def lost_share(exact: Lists, found: Lists) -> float:
    """Returns the share of the exact lists' items that `found` lacks, on average over the queries that have any."""
    kept = [
        np.isin(row[row != NO_ITEM], other).mean()
        for row, other in zip(exact, found, strict=True)
        if (row != NO_ITEM).any()
    ]
    return 1.0 - float(np.mean(kept)) if kept else 0.0


def _exact_lists(vectors: Vectors, queries: Vectors, seen: Histories, length: int) -> Lists:
    """Returns exact search's unseen items of each query, int64 [queries, length], a few queries at a time."""
    together = max(1, _EXACT_SCORES // len(vectors))
    return np.concatenate(
        [
            top_k(
                queries[start : start + together] @ vectors.T,
                length,
                history_mask(seen[start : start + together], len(vectors)),
            )
            for start in range(0, len(queries), together)
        ]
    )


def _measure(index: AnnoyIndex, queries: Vectors, seen: Histories, exact: Lists, search_k: int) -> tuple[float, float]:
    """Returns the share of the exact lists that a search of that depth loses, and its milliseconds."""
    started = time.perf_counter()
    found = search(index, queries, seen, exact.shape[1], search_k)
    milliseconds = (time.perf_counter() - started) / len(queries) * 1000.0
    return lost_share(exact, found), milliseconds
