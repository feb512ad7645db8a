"""What ranking takes from a snapshot, checked and warmed before it is trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import structlog
from numpy.typing import NDArray

from services.ranking import metrics
from services.ranking.batch import ScoringBatch
from services.ranking.bound_model import Allocate, allocate
from services.ranking.device import DemandedDevice, Device, OpenSession
from services.ranking.opening import OpenedRanker, Opening
from services.ranking.precision import DemandedPrecision, Precision, find_variant, wanted_precision
from services.ranking.ranker import Ranker
from shared.features import UserFeatureTransform
from shared.metrics import end_series
from shared.onnx_session import open_session
from shared.snapshot.arrays import map_floats
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.golden import TOLERANCE, GoldenRanking, check_replay, read_golden
from shared.snapshot.manifest import Manifest
from shared.snapshot.verification import verify_files

#: Golden requests as batches, each with what it must give.
Golden = Sequence[tuple[ScoringBatch, GoldenRanking]]

log = structlog.get_logger()


@dataclass(frozen=True, eq=False)
class RankingSnapshot:
    """One snapshot, as ranking serves it.

    Attributes:
        items: Rows of the catalogue.
        max_history: History items that the ranker looks at.
        user_features: How many features a user has.
        item_features: float32 [items, item features]: what training gave each item.
        objectives: Names of the scores, in order.
        ranker: The model.
        device: Where it runs.
        precision: What it computes with.
        graphs: Shapes that are replayed from a captured CUDA graph.
        joins: Whether requests are scored sooner together than each in a run of its own.
    """

    items: int
    max_history: int
    user_features: int
    item_features: NDArray[np.float32]
    objectives: tuple[str, ...]
    ranker: Ranker
    device: Device = "cpu"
    precision: Precision = "fp32"
    graphs: int = 0
    joins: bool = True


def load_snapshot(
    folder: Path,
    manifest: Manifest,
    device: DemandedDevice,
    threads: int,
    *,
    precision: DemandedPrecision = "fp32",
    open_session: OpenSession = open_session,
    allocate: Allocate = allocate,
) -> RankingSnapshot:
    """Verifies, opens, warms and replays the ranker of a snapshot. Takes seconds; not for the event loop.

    A precision that the snapshot lacks, or that gives other scores on this machine than in training, is done without:
    the ranker is then served in full precision.

    Args:
        folder: The snapshot's folder.
        manifest: Its table of contents.
        device: Where the ranker must run.
        threads: Threads that one run may use on the CPU.
        precision: What the ranker should compute with.
        open_session: Opens a session.
        allocate: Makes buffers on a device.

    Raises:
        SnapshotRefused: a file is not what training wrote, the files do not fit together, or the device is absent.
    """
    verify_files(folder, manifest, only=[manifest.ranker.model, manifest.item_features, manifest.golden])
    # Mapped: it lies in the page cache, once for all processes of the machine that serve the snapshot.
    shape = (manifest.items, len(manifest.feature_schema.item_features))
    item_features = map_floats(folder, manifest.item_features, shape)
    golden = _golden_batches(folder, manifest, item_features)
    opening = Opening(folder, manifest, threads, open_session, allocate)
    served, opened = _open_best(opening, golden, device, precision)
    _tell(manifest.id, opened, precision, served)
    return RankingSnapshot(
        items=manifest.items,
        max_history=manifest.max_history,
        user_features=UserFeatureTransform(manifest.feature_schema.user_fields).width,
        item_features=item_features,
        objectives=manifest.objectives,
        ranker=opened.ranker,
        device=opened.device,
        precision=served,
        graphs=opened.graphs,
        joins=opened.joins,
    )


def _open_best(
    opening: Opening, golden: Golden, device: DemandedDevice, precision: DemandedPrecision
) -> tuple[Precision, OpenedRanker]:
    """Returns the ranker in the demanded precision if the snapshot has it and it works here, else in full precision."""
    manifest = opening.manifest
    wanted = wanted_precision(precision, lambda: opening.device_used(device))
    if variant := find_variant(manifest.ranker, wanted):
        verify_files(opening.folder, manifest, only=[variant.model])
        try:
            opened = opening.open(variant.model, device)
            _replay(manifest.id, f"the {wanted} ranker", opened.ranker, golden, variant.tolerance)
        except SnapshotRefused as error:
            log.warning("a variant of the ranker cannot be used here", precision=wanted, problem=error.problem)
        else:
            return wanted, opened
    opened = opening.open(manifest.ranker.model, device)
    _replay(manifest.id, "the ranker", opened.ranker, golden, TOLERANCE)
    return "fp32", opened


def _tell(snapshot_id: str, opened: OpenedRanker, demanded: DemandedPrecision, served: Precision) -> None:
    """Shows in metrics and log what is served, and where that is not what was demanded."""
    absent = demanded not in {"auto", served}
    if absent:
        log.warning("the demanded precision is absent; fp32 is served", demanded=demanded, snapshot=snapshot_id)
    for device in get_args(Device):
        end_series(metrics.DEVICE, device)
    metrics.DEVICE.labels(opened.device).set(1)
    for precision in get_args(Precision):
        end_series(metrics.PRECISION, precision)
    metrics.PRECISION.labels(served).set(1)
    metrics.PRECISION_ABSENT.set(absent)
    metrics.CAPTURED_GRAPHS.set(opened.graphs)


def _golden_batches(folder: Path, manifest: Manifest, item_features: NDArray[np.float32]) -> Golden:
    golden = read_golden(folder / manifest.golden).ranker
    if not golden:
        raise SnapshotRefused(manifest.id, f"{manifest.golden} has no request for the ranker")
    return [
        (
            ScoringBatch(
                history=np.array(one.history, dtype=np.int64),
                user_features=np.array(one.user_features, dtype=np.float32),
                candidates=np.array(one.candidates, dtype=np.int64),
                candidate_features=item_features[one.candidates],
                candidate_query=np.array(one.candidate_query, dtype=np.int64),
            ),
            one,
        )
        for one in golden
    ]


def _replay(snapshot_id: str, what: str, ranker: Ranker, golden: Golden, tolerance: float) -> None:
    for batch, one in golden:
        check_replay(snapshot_id, what, ranker.score(batch), one.scores, tolerance)
