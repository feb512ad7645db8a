"""Measuring the ranker through the service's own path, in this process and without RPC."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.cli.bench.placement import operators_by_provider
from services.cli.bench.workload import draw_requests
from services.cli.failure import Failure
from services.cli.output import remarks
from services.cli.snapshots.chosen import open_repository, read_chosen
from services.ranking.device import DemandedDevice, load_cuda_libraries, providers_of
from services.ranking.lanes import Lanes
from services.ranking.merging import MergedScoring, MergeLimits
from services.ranking.precision import Precision, find_variant
from services.ranking.servicer import RankingServicer, batch_of
from services.ranking.snapshot import RankingSnapshot, load_snapshot
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest
from winnow.ranking.v1 import ranking_service_pb2 as pb

#: Different requests that are sent in turn, so that no cache knows them all.
_REQUESTS = 32
_WARM_REQUESTS = 5

_LOG_NOTHING = 4


@dataclass(frozen=True)
class Asked:
    """What to measure.

    Attributes:
        root: Where the snapshots are.
        snapshot_id: Of the snapshot; the current one when empty.
        device: Where the ranker must run.
        precisions: Each is measured.
        candidates: Of each query; each number is measured.
        queries: Of each request.
        seconds: How long to measure each.
        threads: Of one run, on the CPU.
        seed: Of the requests.
    """

    root: Path
    snapshot_id: str
    device: DemandedDevice
    precisions: Sequence[Precision]
    candidates: Sequence[int]
    queries: int
    seconds: float
    threads: int
    seed: int


@dataclass(frozen=True)
class Figures:
    """What was measured for one precision and one number of candidates.

    Attributes:
        snapshot: Its id.
        device: Where the ranker runs, by what its session got.
        operators: How many operators each execution provider ran.
        cuda_graphs: Shapes that are replayed from a captured graph.
        demanded: The precision that was asked for.
        precision: The one that is served.
        queries: Of a request.
        candidates: Of each query.
        threads: Of one run.
        runs: How many were measured, one after the other.
        candidates_per_second: In all.
        p50_ms: Half of the requests took no longer, from message to message.
        p99_ms: 99 of 100 took no longer.
        share_in_model: Share of the time that was spent in the model's runs; the rest is decoding, padding, encoding.
        share_on_device: Share of the time from launch until the device was done; None on the CPU.
    """

    snapshot: str
    device: str
    operators: dict[str, int]
    cuda_graphs: int
    demanded: str
    precision: str
    queries: int
    candidates: int
    threads: int
    runs: int
    candidates_per_second: float
    p50_ms: float
    p99_ms: float
    share_in_model: float
    share_on_device: float | None


class _Held:
    """The snapshot that is measured, as the servicer wants it."""

    def __init__(self, snapshot_id: str, snapshot: RankingSnapshot) -> None:
        self.agreed_ids = [snapshot_id]
        self._snapshot = snapshot

    def get(self, _snapshot_id: str) -> RankingSnapshot:
        """Returns the snapshot."""
        return self._snapshot


def measure(asked: Asked) -> Iterator[Figures]:
    """Yields the figures of each precision and number of candidates, as they are measured.

    Raises:
        Failure: there is no snapshot, or it cannot be served on the device.
    """
    repository = open_repository(asked.root)
    manifest = read_chosen(repository, asked.snapshot_id)
    folder = repository.folder(manifest.id)
    _prepare(asked.device)
    for precision in asked.precisions:
        snapshot = _load(folder, manifest, asked, precision)
        operators = _operators(folder, manifest, snapshot, asked)
        for candidates in asked.candidates:
            requests = draw_requests(folder, manifest, asked.queries, candidates, seed=asked.seed)
            timed = asyncio.run(
                _time(manifest.id, snapshot, list(itertools.islice(requests, _REQUESTS)), asked.seconds)
            )
            yield Figures(
                snapshot=manifest.id,
                device=snapshot.device,
                operators=operators,
                cuda_graphs=snapshot.graphs,
                demanded=precision,
                precision=snapshot.precision,
                queries=asked.queries,
                candidates=candidates,
                threads=asked.threads,
                runs=len(timed.seconds),
                candidates_per_second=len(timed.seconds) * asked.queries * candidates / timed.wall,
                p50_ms=float(np.percentile(timed.seconds, 50)) * 1e3,
                p99_ms=float(np.percentile(timed.seconds, 99)) * 1e3,
                share_in_model=timed.in_model / timed.wall,
                share_on_device=timed.on_device / timed.wall if snapshot.device == "cuda" else None,
            )


@dataclass(frozen=True)
class _Timed:
    seconds: list[float]
    wall: float
    in_model: float
    on_device: float


def _prepare(device: DemandedDevice) -> None:
    if device == "auto":
        # Where there is no GPU, its absence is no error, and the library's complaints would drown the table.
        ort.set_default_logger_severity(_LOG_NOTHING)
    if device != "cpu":
        with capture_logs():
            load_cuda_libraries()


def _load(folder: Path, manifest: Manifest, asked: Asked, precision: Precision) -> RankingSnapshot:
    # What the service would log is for the person at the terminal, and stdout is for results.
    with capture_logs() as logs:
        try:
            snapshot = load_snapshot(folder, manifest, asked.device, asked.threads, precision=precision)
        except SnapshotRefused as error:
            raise Failure(f"{error}.") from error
    for line in logs:
        if line["log_level"] != "info":
            remarks().print(f"{line['event']}{': ' if 'problem' in line else ''}{line.get('problem', '')}")
    return snapshot


def _operators(folder: Path, manifest: Manifest, snapshot: RankingSnapshot, asked: Asked) -> dict[str, int]:
    variant = find_variant(manifest.ranker, snapshot.precision)
    request = next(draw_requests(folder, manifest, 1, 256, seed=asked.seed))
    model = folder / (variant.model if variant else manifest.ranker.model)
    return operators_by_provider(model, providers_of(snapshot.device), vars(batch_of(request, snapshot)))


async def _time(
    snapshot_id: str, snapshot: RankingSnapshot, requests: Sequence[pb.ScoreRequest], seconds: float
) -> _Timed:
    """Scores requests one after the other for so long, at least each once."""
    with Lanes(1, "scoring") as lanes, ThreadPoolExecutor(1) as pool:
        limits = MergeLimits(candidates=0, waiting=1, in_flight=1)
        servicer = RankingServicer(_Held(snapshot_id, snapshot), MergedScoring(lanes, limits), pool)
        for request in requests[:_WARM_REQUESTS]:
            await servicer.Score(request, None)
        before = [_total("model"), _total("device")]
        taken: list[float] = []
        started = time.perf_counter()
        for request in itertools.cycle(requests):
            asked_at = time.perf_counter()
            await servicer.Score(request, None)
            now = time.perf_counter()
            taken.append(now - asked_at)
            if now - started >= seconds and len(taken) >= len(requests):
                break
        wall = time.perf_counter() - started
    return _Timed(taken, wall, _total("model") - before[0], _total("device") - before[1])


def _total(part: str) -> float:
    return REGISTRY.get_sample_value(f"winnow_ranking_{part}_seconds_total") or 0.0
