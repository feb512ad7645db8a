"""Measures what recall's two ways to search cost, and prints the constants of its cost model.

`python -m tests.bench.recall_costs` takes a few minutes, most of them to build indexes. It measures on one thread with
random vectors; run it on a quiet machine, for others take its caches. The constants go to `services/recall/search_cost.py`.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import numpy as np
from annoy import AnnoyIndex
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from services.recall.float_scores import FloatScores
from services.recall.scan import Scan
from services.recall.search_cost import FLOAT_COSTS, INTEGER_COSTS, SearchCosts
from services.recall.search_depth import SearchDepth
from services.recall.vector_index import VectorIndex
from shared.inner_product import augment
from shared.tensors import Ragged

TREES = 20  # as training builds them
LIMIT = 500
ANNOY_IS_FREE = SearchCosts(read=1.0, multiply=1.0, select=1.0, settle=0.0, node=0.0)
BATCHES = (1, 4, 8, 32)
NODES = (4000, 10_000, 30_000)
REPETITIONS = 15

Vectors = NDArray[np.float32]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, fits and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recall_costs", description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 500_000], help="default: 100000 500000")
    parser.add_argument("--dimensions", type=int, nargs="+", default=[32, 64, 128], help="default: 32 64 128")
    given = parser.parse_args(arguments)
    with threadpool_limits(1, user_api="blas"):
        searches = _searches(given.items, given.dimensions)
        for name, scan_of, in_use in (
            ("all items as small integers", Scan.by_product, INTEGER_COSTS),
            ("all items as float32", _in_floats, FLOAT_COSTS),
        ):
            print(f"\n{name}")  # noqa: T201 - the result
            _fit_and_show(_scans(given.items, given.dimensions, scan_of), searches, in_use)


def _in_floats(vectors: Vectors, lengths: Vectors) -> Scan:
    return Scan(vectors, FloatScores(vectors, float(lengths.max())))


def _fit_and_show(
    scans: Sequence[tuple[int, int, int, float]], searches: Sequence[tuple[int, int, float]], in_use: SearchCosts
) -> None:
    read, multiply, select, settle = _fit(
        [
            ([items * dimension, items * dimension * batch, items * batch, batch], seconds)
            for items, dimension, batch, seconds in scans
        ]
    )
    [node] = _fit([([nodes], seconds - settle) for nodes, _, seconds in searches])
    costs = SearchCosts(read, multiply, select, settle, node)
    for name, seconds in asdict(costs).items():
        print(f"{name:10}{seconds:10.1e} s   in use: {asdict(in_use)[name]:.1e} s")  # noqa: T201 - the result
    for items, dimension, batch, measured in scans:
        _line(f"scan of {items} x {dimension}, batch of {batch}", measured, costs.scan(items, dimension, batch), batch)
    for nodes, dimension, measured in searches:
        _line(f"Annoy, {nodes} nodes x {dimension}", measured, costs.annoy(nodes, 1), 1)


def _scans(
    sizes: Sequence[int], dimensions: Sequence[int], scan_of: Callable[[Vectors, Vectors], Scan]
) -> list[tuple[int, int, int, float]]:
    """Returns items, dimension, queries and seconds of each scan."""
    random = np.random.default_rng(0)
    return [
        (len(vectors), vectors.shape[1], batch, seconds)
        for vectors in _catalogues(sizes, dimensions, random)
        for batch, seconds in _scan(vectors, random, scan_of)
    ]


def _searches(sizes: Sequence[int], dimensions: Sequence[int]) -> list[tuple[int, int, float]]:
    """Returns nodes, dimension and seconds of each search in Annoy."""
    random = np.random.default_rng(0)
    return [
        (nodes, vectors.shape[1], seconds)
        for vectors in _catalogues(sizes, dimensions, random)
        for nodes, seconds in _search(vectors, random)
    ]


def _catalogues(sizes: Sequence[int], dimensions: Sequence[int], random: np.random.Generator) -> Iterator[Vectors]:
    for items in sizes:
        for dimension in dimensions:
            yield random.standard_normal((items, dimension), dtype=np.float32)


def _scan(
    vectors: Vectors, random: np.random.Generator, scan_of: Callable[[Vectors, Vectors], Scan]
) -> Iterator[tuple[int, float]]:
    scan = scan_of(vectors, np.sqrt(np.vecdot(vectors, vectors)))
    for batch in BATCHES:
        queries = random.standard_normal((batch, vectors.shape[1]), dtype=np.float32)
        nothing = Ragged(np.empty(0, dtype=np.uint32), np.zeros(batch + 1, dtype=np.int64))
        yield batch, _seconds(lambda _: scan.search(queries, nothing, LIMIT))  # noqa: B023 - called at once


def _search(vectors: Vectors, random: np.random.Generator) -> Iterator[tuple[int, float]]:
    index = AnnoyIndex(vectors.shape[1] + 1, "angular")
    index.set_seed(1)
    for row, vector in enumerate(augment(vectors)):
        index.add_item(row, vector)
    index.build(TREES)
    queries = random.standard_normal((REPETITIONS + 1, 1, vectors.shape[1]), dtype=np.float32)
    nothing = Ragged(np.empty(0, dtype=np.uint32), np.zeros(2, dtype=np.int64))
    for nodes in NODES:
        through_annoy = VectorIndex(index, vectors, SearchDepth(nodes, LIMIT), costs=ANNOY_IS_FREE)
        yield nodes, _seconds(lambda turn: through_annoy.search(queries[turn], nothing, LIMIT))  # noqa: B023


def _seconds(work: Callable[[int], object]) -> float:
    """Returns the lower quartile of the processor times that it takes, of those after the first."""
    times = []
    for turn in range(REPETITIONS + 1):
        started = time.thread_time()
        work(turn)
        times.append(time.thread_time() - started)
    return float(np.quantile(times[1:], 0.25))


def _fit(measured: Sequence[tuple[Sequence[float], float]]) -> list[float]:
    """Returns the constants, none below 0, that come nearest to the measurements, each weighed by its relative error."""
    terms = np.array([terms for terms, _ in measured], dtype=np.float64)
    seconds = np.array([seconds for _, seconds in measured])
    weighted = terms / seconds[:, None]
    used = list(range(terms.shape[1]))
    while True:
        solution, *_ = np.linalg.lstsq(weighted[:, used], np.ones(len(seconds)), rcond=None)
        if (solution >= 0.0).all():
            break
        used = [term for term, constant in zip(used, solution, strict=True) if constant >= 0.0]
    constants = np.zeros(terms.shape[1])
    constants[used] = solution
    return [float(constant) for constant in constants]


def _line(name: str, measured: float, modelled: float, queries: int) -> None:
    milliseconds = 1000.0 / queries
    print(f"{name:44}{measured * milliseconds:8.3f} ms a query; by the model {modelled * milliseconds:8.3f}")  # noqa: T201


if __name__ == "__main__":
    main()
