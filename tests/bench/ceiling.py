"""The ceiling: the gateway's own pipeline over function calls instead of RPC, one thread to a process.

What the suite adds to this is what being four services costs.
"""

import asyncio
import multiprocessing
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest.mock import patch

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

Answer = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class _Process:
    process: BaseProcess
    connection: Connection


class Ceiling:
    """Processes that hold a snapshot and answer when told to. Between measurements they take no time from anybody.

    Args:
        processes: From `running_ceiling`.
    """

    def __init__(self, processes: Sequence[_Process]) -> None:
        self._processes = processes

    def measure(self, processes: int, seconds: float, pace: float = 0.0) -> Measured:
        """Measures some of the processes at the same time, and adds their answers up.

        Args:
            processes: How many.
            seconds: How long.
            pace: Seconds from one question to the next, if the answer is there by then. Whoever shares the CPU has its
                caches meanwhile.

        Raises:
            EOFError: a process has ended; it has said why.
        """
        chosen = self._processes[:processes]
        for one in chosen:
            one.connection.send(pace)
        for one in chosen:
            one.connection.recv()  # it is warm
        for one in chosen:
            one.connection.send(seconds)
        latencies = LatencyHistogram()
        answers_per_second = 0.0
        for one in chosen:
            per_second, encoded = one.connection.recv()
            answers_per_second += per_second
            latencies.add(LatencyHistogram.decode(encoded))
        return Measured.of(answers_per_second, latencies)


@contextmanager
def running_ceiling(snapshots: Path, items: int, processes: int) -> Iterator[Ceiling]:
    """Starts the processes, and waits until they hold the snapshot.

    Args:
        snapshots: The repository's folder.
        items: Of the workload.
        processes: The most that will be measured together.

    Raises:
        EOFError: a process has ended; it has said why.
    """
    context = multiprocessing.get_context("spawn")
    started: list[_Process] = []
    try:
        with patch.dict(os.environ, ONE_THREAD):
            for seed in range(processes):
                ours, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(theirs, snapshots, items, seed), daemon=True)
                process.start()
                theirs.close()
                started.append(_Process(process, ours))
        for one in started:
            one.connection.recv()
        yield Ceiling(started)
    finally:
        for one in started:
            one.connection.close()  # which ends it
            one.process.join()


def _serve(connection: Connection, snapshots: Path, items: int, seed: int) -> None:
    """Answers for as long as it is told, over and over, until nobody is left to tell it."""
    answer = _answerer(snapshots, items, seed)
    connection.send(None)
    try:
        while True:
            pace: float = connection.recv()
            asyncio.run(_warm(answer))
            connection.send(None)
            connection.send(asyncio.run(_measure(answer, connection.recv(), pace)))
    except EOFError:
        return


async def _warm(answer: Answer) -> None:
    for _ in range(WARM_ANSWERS):
        await answer()


async def _measure(answer: Answer, seconds: float, pace: float) -> tuple[float, bytes]:
    """Returns answers a second and their latencies."""
    latencies = LatencyHistogram()
    answers = 0
    started = time.perf_counter()
    while (now := time.perf_counter()) < started + seconds:
        await answer()
        took = time.perf_counter() - now
        latencies.record(took)
        answers += 1
        await asyncio.sleep(max(pace - took, 0.0))  # also of 0: as on a real loop, others have their turn
    return answers / (time.perf_counter() - started), latencies.encode()


def _answerer(snapshots: Path, items: int, seed: int) -> Answer:
    """Returns what recommends to one user after the other, in an order of the seed."""
    repository = SnapshotRepository(snapshots)
    snapshot_id = repository.current() or ""
    folder, manifest = repository.folder(snapshot_id), repository.manifest(snapshot_id)
    people = draw(items).people
    neighbours = InProcessNeighbours(folder, manifest, people)
    pipeline = RecommendPipeline(neighbours, neighbours, neighbours, GatewaySettings().limits())
    snapshot = load_snapshot(folder, manifest)
    random = np.random.default_rng(seed)

    async def answer() -> None:
        query = RecommendQuery(user_id=people[int(random.integers(len(people)))].id, max_results=RESULTS)
        found = await pipeline.recommend(query, snapshot, Deadline(PATIENCE_SECONDS))
        if found.degradations or len(found.items) < RESULTS:
            raise RuntimeError(f"the ceiling must be of full answers, not of one without {found.degradations}")

    return answer
