"""What ranking takes from a snapshot, checked and warmed before it is trusted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np

from services.ranking import metrics
from services.ranking.batch import ScoringBatch
from services.ranking.device import DemandedDevice, Device, DeviceAbsent, OpenSession, open_on_device
from services.ranking.padding import CANDIDATE_BUCKETS, QUERY_BUCKETS, keep_shape, pad_to_buckets
from services.ranking.ranker import INPUTS, OUTPUT, Ranker
from shared.features import UserFeatureTransform
from shared.history import NO_ITEM
from shared.metrics import end_series
from shared.onnx_session import OnnxModel, open_session
from shared.snapshot.arrays import map_floats
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.golden import check_replay, read_golden
from shared.snapshot.manifest import Manifest
from shared.snapshot.verification import verify_files

#: Queries and candidates that a model on the CPU is run with before it serves.
CPU_WARM_SHAPES = ((1, 500), (16, 8000))


@dataclass(frozen=True)
class RankingSnapshot:
    """One snapshot, as ranking serves it.

    Attributes:
        items: Rows of the catalogue.
        max_history: History items that the ranker looks at.
        user_features: How many features a user has.
        item_features: How many features an item has.
        objectives: Names of the scores, in order.
        ranker: The model.
    """

    items: int
    max_history: int
    user_features: int
    item_features: int
    objectives: tuple[str, ...]
    ranker: Ranker


def load_snapshot(
    folder: Path, manifest: Manifest, device: DemandedDevice, threads: int, open_session: OpenSession = open_session
) -> RankingSnapshot:
    """Verifies, opens, replays and warms the ranker of a snapshot. Takes seconds; not for the event loop.

    Args:
        folder: The snapshot's folder.
        manifest: Its table of contents.
        device: Where the ranker must run.
        threads: Threads that the ranker may use on the CPU.
        open_session: Opens a session.

    Raises:
        SnapshotRefused: a file is not what training wrote, the files do not fit together, or the device is absent.
    """
    verify_files(folder, manifest, only=[manifest.ranker.model, manifest.item_features, manifest.golden])
    ranker, used = _open_ranker(folder, manifest, device, threads, open_session)
    _replay(folder, manifest, ranker)
    snapshot = RankingSnapshot(
        items=manifest.items,
        max_history=manifest.max_history,
        user_features=UserFeatureTransform(manifest.feature_schema.user_fields).width,
        item_features=len(manifest.feature_schema.item_features),
        objectives=manifest.objectives,
        ranker=ranker,
    )
    for batch in _warming(snapshot, product(QUERY_BUCKETS, CANDIDATE_BUCKETS) if used == "cuda" else CPU_WARM_SHAPES):
        ranker.score(batch)
    for device_name in get_args(Device):
        end_series(metrics.DEVICE, device_name)
    metrics.DEVICE.labels(used).set(1)
    return snapshot


def _open_ranker(
    folder: Path, manifest: Manifest, device: DemandedDevice, threads: int, open_session: OpenSession
) -> tuple[Ranker, Device]:
    try:
        session, used = open_on_device(folder / manifest.ranker.model, device, threads, open_session)
        model = OnnxModel(session, OUTPUT, INPUTS)
    except DeviceAbsent as error:
        metrics.DEVICE_ABSENT.set(1)
        raise SnapshotRefused(manifest.id, str(error)) from error
    except Exception as error:  # ONNX Runtime's own errors have no class in common but this one
        raise SnapshotRefused(manifest.id, f"{manifest.ranker.model} is no ranker: {error}") from error
    metrics.DEVICE_ABSENT.set(0)
    pad = partial(pad_to_buckets, max_history=manifest.max_history) if used == "cuda" else keep_shape
    return Ranker(model, len(manifest.objectives), pad), used


def _replay(folder: Path, manifest: Manifest, ranker: Ranker) -> None:
    shape = (manifest.items, len(manifest.feature_schema.item_features))
    item_features = map_floats(folder, manifest.item_features, shape)
    golden = read_golden(folder / manifest.golden).ranker
    if not golden:
        raise SnapshotRefused(manifest.id, f"{manifest.golden} has no request for the ranker")
    for one in golden:
        batch = ScoringBatch(
            history=np.array(one.history, dtype=np.int64),
            user_features=np.array(one.user_features, dtype=np.float32),
            candidates=np.array(one.candidates, dtype=np.int64),
            candidate_features=item_features[one.candidates],
            candidate_query=np.array(one.candidate_query, dtype=np.int64),
        )
        check_replay(manifest.id, "the ranker", ranker.score(batch), one.scores)


def _warming(snapshot: RankingSnapshot, shapes: Iterable[tuple[int, int]]) -> Iterator[ScoringBatch]:
    """Yields a batch of each shape; ONNX Runtime allocates, and CUDA picks its kernels, on the first run of one."""
    for queries, candidates in shapes:
        history = np.full((queries, snapshot.max_history), NO_ITEM, dtype=np.int64)
        history[:, -1] = 0
        yield ScoringBatch(
            history=history,
            user_features=np.zeros((queries, snapshot.user_features), dtype=np.float32),
            candidates=np.zeros(candidates, dtype=np.int64),
            candidate_features=np.zeros((candidates, snapshot.item_features), dtype=np.float32),
            candidate_query=np.zeros(candidates, dtype=np.int64),
        )
