"""Opening the ranker's models: on the device and in the precision that are demanded, as far as they are there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import cast

import numpy as np
import structlog

from services.ranking import metrics
from services.ranking.batch import ScoringBatch
from services.ranking.bound_model import Allocate, BoundModel
from services.ranking.device import (
    DemandedDevice,
    Device,
    DeviceAbsent,
    OpenSession,
    open_for_capture,
    open_on_device,
)
from services.ranking.joining import joining_pays
from services.ranking.padding import (
    CANDIDATE_BUCKETS,
    CPU_RUN_CANDIDATES,
    QUERY_BUCKETS,
    keep_shape,
    pad_to_buckets,
)
from services.ranking.ranker import Ranker
from shared.features import UserFeatureTransform
from shared.history import NO_ITEM
from shared.onnx_session import BindingSession, OnnxModel, Session
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.graphs import RANKER
from shared.snapshot.manifest import Manifest

#: Queries and candidates that a model on the CPU is run with before it serves.
CPU_WARM_SHAPES = ((1, 500), (8, CPU_RUN_CANDIDATES))

#: Queries and candidates of the requests that are joined to find out whether that pays.
_JOINED_SHAPE = (1, 100)

log = structlog.get_logger()


@dataclass(frozen=True)
class OpenedRanker:
    """A ranker that is ready to score.

    Attributes:
        ranker: The model.
        device: Where it runs.
        graphs: Shapes that are replayed from a captured CUDA graph.
        joins: Whether requests are scored sooner together than each in a run of its own.
    """

    ranker: Ranker
    device: Device
    graphs: int
    joins: bool = True


@dataclass(frozen=True)
class Opening:
    """What it takes to open the models of a snapshot.

    Attributes:
        folder: The snapshot's folder.
        manifest: Its table of contents.
        threads: Threads that one run may use on the CPU.
        open_session: Opens a session.
        allocate: Makes buffers on a device.
    """

    folder: Path
    manifest: Manifest
    threads: int
    open_session: OpenSession
    allocate: Allocate

    def device_used(self, demanded: DemandedDevice) -> Device:
        """Returns the device that models run on.

        Raises:
            SnapshotRefused: the ranker cannot be opened to find out, or the demanded device is absent.
        """
        return self._session(self.manifest.ranker.model, demanded)[1] if demanded == "auto" else demanded

    def open(self, model: str, device: DemandedDevice) -> OpenedRanker:
        """Opens a model and runs it with every shape that it must know.

        Args:
            model: Its path in the snapshot.
            device: Where it must run.

        Raises:
            SnapshotRefused: it is no ranker, or the device is absent.
        """
        session, used = self._session(model, device)
        try:
            return self._on_cuda(self.folder / model, session) if used == "cuda" else self._on_cpu(session)
        except Exception as error:  # ONNX Runtime's own errors have no class in common but this one
            raise SnapshotRefused(self.manifest.id, f"{model} is no ranker: {error}") from error

    def _session(self, model: str, device: DemandedDevice) -> tuple[Session, Device]:
        try:
            opened = open_on_device(self.folder / model, device, self.threads, self.open_session)
        except DeviceAbsent as error:
            metrics.DEVICE_ABSENT.set(1)
            raise SnapshotRefused(self.manifest.id, str(error)) from error
        except Exception as error:  # see above
            raise SnapshotRefused(self.manifest.id, f"{model} is no ranker: {error}") from error
        metrics.DEVICE_ABSENT.set(0)
        return opened

    def _on_cpu(self, session: Session) -> OpenedRanker:
        model = OnnxModel(session, RANKER.output, RANKER.inputs)
        ranker = Ranker(model, len(self.manifest.objectives), keep_shape, CPU_RUN_CANDIDATES)
        for batch in self._batches(CPU_WARM_SHAPES):
            ranker.score(batch)
        (request,) = self._batches([_JOINED_SHAPE])
        return OpenedRanker(ranker, "cpu", graphs=0, joins=joining_pays(ranker, request))

    def _on_cuda(self, path: Path, session: Session) -> OpenedRanker:
        """Returns a ranker that replays captured graphs, or where that cannot be, one that launches every kernel."""
        capturing = open_for_capture(path, self.threads, self.open_session)
        if capturing is not None:
            try:
                return self._warmed_on_cuda(capturing, captures=True)
            except Exception as error:  # whatever it is, the model may well run without
                log.warning("the ranker's CUDA graphs cannot be used; it runs without", problem=str(error))
        return self._warmed_on_cuda(session, captures=False)

    def _warmed_on_cuda(self, session: Session, captures: bool) -> OpenedRanker:
        model = BoundModel(
            cast("BindingSession", session),
            RANKER.output,
            RANKER.inputs,
            rows_of="candidates",
            columns=len(self.manifest.objectives),
            device="cuda",
            captures=captures,
            allocate=self.allocate,
        )
        pad = partial(pad_to_buckets, max_history=self.manifest.max_history)
        ranker = Ranker(model, len(self.manifest.objectives), pad, CANDIDATE_BUCKETS[-1])
        for batch in self._batches(product(QUERY_BUCKETS, CANDIDATE_BUCKETS)):
            ranker.score(batch)
            if captures:  # with other numbers than it was captured with
                model.check_replay(**{name: getattr(self._random_batch(batch), name) for name in RANKER.inputs})
        return OpenedRanker(ranker, "cuda", model.graphs)

    def _batches(self, shapes: Iterable[tuple[int, int]]) -> Iterator[ScoringBatch]:
        """Yields a batch of each shape; ONNX Runtime allocates, and CUDA picks its kernels, on the first run of one."""
        schema = self.manifest.feature_schema
        user_features = UserFeatureTransform(schema.user_fields).width
        for queries, candidates in shapes:
            history = np.full((queries, self.manifest.max_history), NO_ITEM, dtype=np.int64)
            history[:, -1] = 0
            yield ScoringBatch(
                history=history,
                user_features=np.zeros((queries, user_features), dtype=np.float32),
                candidates=np.zeros(candidates, dtype=np.int64),
                candidate_features=np.zeros((candidates, len(schema.item_features)), dtype=np.float32),
                candidate_query=np.zeros(candidates, dtype=np.int64),
            )

    def _random_batch(self, like: ScoringBatch) -> ScoringBatch:
        """Returns a batch of the same shape in which no two queries or candidates are alike."""
        random = np.random.default_rng(0)
        items = self.manifest.items
        return ScoringBatch(
            history=random.integers(NO_ITEM, items, like.history.shape),
            user_features=random.standard_normal(like.user_features.shape, dtype=np.float32),
            candidates=random.integers(0, items, len(like)),
            candidate_features=random.standard_normal(like.candidate_features.shape, dtype=np.float32),
            candidate_query=np.sort(random.integers(0, like.queries, len(like))),
        )
