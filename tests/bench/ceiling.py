"""The ceiling: the gateway's own pipeline over function calls instead of RPC, one thread to a process.

What the suite adds to this is what being four services costs.
"""

import asyncio
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np

from services.gateway.config import GatewaySettings
from services.gateway.pipeline import RecommendPipeline
from services.gateway.query import RecommendQuery
from services.gateway.run import Deadline
from services.gateway.snapshot import load_snapshot
from shared.snapshot.repository import SnapshotRepository
from tests.bench.in_process import InProcessNeighbours
from tests.bench.measured import Measured
from tests.bench.workload.shape import RESULTS, draw
from tests.load.histogram import LatencyHistogram

#: More than any answer takes: the ceiling never gives up on one.
PATIENCE_SECONDS = 60.0

WARM_ANSWERS = 50

#: Set in the processes that measure: no library may use more than its one thread.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class CeilingRun:
    """What one process is to measure.

    Attributes:
        snapshots: The repository's folder.
        items: Of the workload.
        seconds: How long.
        seed: Of the order in which users are asked for.
    """

    snapshots: Path
    items: int
    seconds: float
    seed: int


def measure_ceiling(snapshots: Path, items: int, seconds: float, processes: int) -> Measured:
    """Measures in fresh processes that begin together, and adds their answers up.

    Their environment is this process's: it must hold `ONE_THREAD`.
    """
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        start: Any = manager.Barrier(processes)
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            runs = [CeilingRun(snapshots, items, seconds, seed) for seed in range(processes)]
            results = list(pool.map(_run, runs, [start] * processes))
    latencies = LatencyHistogram()
    for _, encoded in results:
        latencies.add(LatencyHistogram.decode(encoded))
    return Measured.of(sum(per_second for per_second, _ in results), latencies)


def _run(run: CeilingRun, start: Barrier) -> tuple[float, bytes]:
    return asyncio.run(_answer(run, start))


async def _answer(run: CeilingRun, start: Barrier) -> tuple[float, bytes]:
    """Recommends to one user after the other; returns answers a second and their latencies."""
    repository = SnapshotRepository(run.snapshots)
    snapshot_id = repository.current() or ""
    folder, manifest = repository.folder(snapshot_id), repository.manifest(snapshot_id)
    people = draw(run.items).people
    neighbours = InProcessNeighbours(folder, manifest, people)
    pipeline = RecommendPipeline(neighbours, neighbours, neighbours, GatewaySettings().limits())
    snapshot = load_snapshot(folder, manifest)
    random = np.random.default_rng(run.seed)
    latencies = LatencyHistogram()

    async def one() -> None:
        query = RecommendQuery(user_id=people[int(random.integers(len(people)))].id, max_results=RESULTS)
        answer = await pipeline.recommend(query, snapshot, Deadline(PATIENCE_SECONDS))
        if answer.degradations or len(answer.items) < RESULTS:
            raise RuntimeError(f"the ceiling must be of full answers, not of one without {answer.degradations}")
        await asyncio.sleep(0)  # as on a real loop, where others have their turn between requests

    for _ in range(WARM_ANSWERS):
        await one()
    start.wait()
    answers = 0
    started = time.perf_counter()
    while (now := time.perf_counter()) < started + run.seconds:
        await one()
        latencies.record(time.perf_counter() - now)
        answers += 1
    return answers / (time.perf_counter() - started), latencies.encode()
