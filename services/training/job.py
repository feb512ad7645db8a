"""The training job: from a data set to an active snapshot."""

from __future__ import annotations

import datetime
import secrets
from dataclasses import dataclass
from pathlib import Path

import torch

from services.training.config import TrainingConfig
from services.training.datasets import Dataset
from services.training.judgement import Judgement, judge
from services.training.models import FittedModels
from services.training.offline.traffic import Traffic
from services.training.placement import Placement
from services.training.progress import ProgressDisplay, Silence
from services.training.ranking.family import fit_ranker_family
from services.training.recall.model import FitContext
from services.training.report import Report, curve_table, index_table, package_versions, quality_table
from services.training.retrieval import fit_retrieval, ranking_data
from services.training.runs.data_digest import data_digest
from services.training.runs.record import RECORD_FILE, Origin, record_text
from services.training.runs.run import Run
from services.training.snapshot_writer import Written, make_manifest, write_models
from services.training.stopwatch import Stopwatch
from services.training.training_data import TrainingData
from services.training.variants.gate import agreement_table, problems
from shared.durable_files import replace_file
from shared.quota import cpu_quota
from shared.snapshot.repository import SnapshotRepository


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What a training job left.

    Attributes:
        snapshot_id: Of the snapshot.
        folder: Where it is.
        report: How good it is and what it took; also in the folder.
    """

    snapshot_id: str
    folder: Path
    report: Report


def train(
    config: TrainingConfig,
    dataset: Dataset,
    out: Path,
    display: ProgressDisplay | None = None,
    traffic: Traffic | None = None,
    *,
    activate: bool = True,
    run: Run | None = None,
    origin: Origin | None = None,
    placement: Placement | None = None,
) -> TrainingOutcome:
    """Fits everything, judges it on held-out events, publishes a snapshot and points `current` at it.

    Args:
        config: Every choice.
        dataset: What to learn from.
        out: Root folder of the snapshots; made where it is missing.
        display: Follows the job; nothing is shown when None.
        traffic: What came of real answers, which the ranker learns from too; None where there were none.
        activate: Whether to point `current` at the snapshot.
        run: Where to keep checkpoints until the snapshot is published, and to resume from; None keeps none.
        origin: Where the run came from, for its run.toml; None where it was no command.
        placement: Where to compute; as the configuration says, in one process, when None. In several this is the first one,
            and the others call `fit_alongside`.

    Raises:
        DatasetError: no user has enough events.
        DeviceMissing: a GPU was asked for that is not there.
        PeerLost: another process of the job has ended.
        ExportMismatch: an exported graph does not compute what its module computes; nothing is published.
        Unsuitable: a model cannot be fitted to such data.
        OSError: the snapshot cannot be written; nothing is published.
    """
    display = display or Silence()
    watch = Stopwatch()
    placement = placement or Placement.choose(config.device, config.precision)
    config = _with_threads(config, placement)
    data = TrainingData.of(config, dataset, traffic)
    record = record_text(
        config.effective(), origin or Origin(data=data_digest(dataset, traffic)), dataset.name, str(placement)
    )
    if run is not None:
        replace_file(run.folder / RECORD_FILE, record.encode())
    models = _fit(config, data, config.context(display, run, placement), watch)
    with watch.measure("evaluation"):
        judgement = judge(models, data, config, display)
    now = datetime.datetime.now(datetime.UTC)
    snapshot_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    repository = SnapshotRepository(out)
    with repository.staging() as folder:
        with watch.measure("snapshot"):
            ranked = judgement.parts["validation"].ranked
            written = write_models(
                folder, dataset, models, data.holdout.validation, ranked, config=config, display=display
            )
        report = _report(snapshot_id, data, models, judgement, written, config=config, placement=placement, watch=watch)
        (folder / RECORD_FILE).write_text(record, encoding="utf-8")
        # Serving takes what changed after this moment to be unknown to the snapshot, and what changed before to be in it.
        created = (traffic.read_at if traffic else now).isoformat(timespec="seconds")
        manifest = make_manifest(folder, report, created=created, models=models, written=written, config=config)
        published = repository.publish(folder, manifest)
    if run is not None:
        run.forget_checkpoints()
    if activate:
        repository.activate(snapshot_id)
    return TrainingOutcome(snapshot_id, published, report)


def fit_alongside(config: TrainingConfig, dataset: Dataset, traffic: Traffic | None, placement: Placement) -> None:
    """Does what every process of a job but the first one has to: its share of all fits, and all that they need.

    What is no descent is computed by each process for itself, from the same data and seeds. Nothing is written or shown.

    Args:
        config: As the first process has it.
        dataset: As the first process has it.
        traffic: As the first process has it.
        placement: Where to compute, and which process this is.

    Raises:
        PeerLost: another process of the job has ended.
        FitsDiffer: this process came to another fit than the first one.
    """
    config = _with_threads(config, placement)
    data = TrainingData.of(config, dataset, traffic)
    _fit(config, data, config.context(Silence(), placement=placement), Stopwatch())


def _with_threads(config: TrainingConfig, placement: Placement) -> TrainingConfig:
    """Has the arithmetic use the configured threads, or an equal part of the quota for each process of the machine."""
    threads = config.threads or max(1, cpu_quota() // placement.ranks.local_size)
    torch.set_num_threads(threads)
    return config.model_copy(update={"threads": threads})


def _fit(config: TrainingConfig, data: TrainingData, context: FitContext, watch: Stopwatch) -> FittedModels:
    retrieval = fit_retrieval(config, data, context, watch)
    with watch.measure("ranker"):
        lists = ranking_data(retrieval, data, config, context.display)
        ranker = fit_ranker_family(config.ranker.family, lists, config.ranker.configuration(), context)
    return FittedModels(retrieval.features, retrieval.recall, retrieval.merge, ranker)


def _report(
    snapshot_id: str,
    data: TrainingData,
    models: FittedModels,
    judgement: Judgement,
    written: Written,
    *,
    config: TrainingConfig,
    placement: Placement,
    watch: Stopwatch,
) -> Report:
    return Report(
        snapshot=snapshot_id,
        dataset=data.dataset.name,
        sizes=data.sizes(),
        quality=quality_table({part: found.quality for part, found in judgement.parts.items()}),
        objectives=judgement.objectives,
        channels=judgement.channels,
        merge=models.merge.table(),
        indexes=index_table(written.indexes),
        curves=curve_table(written.indexes),
        onnx_deviation=written.onnx_deviation,
        variants=agreement_table(written.variants),
        left_out=problems(written.variants),
        epochs={model: [epoch.ndcg for epoch in epochs] for model, epochs in models.epochs().items()},
        importances=dict(models.ranker.importances),
        seconds=watch.seconds(),
        cpu_seconds=watch.cpu_seconds(),
        computed_on=str(placement),
        versions=package_versions(),
        configuration=config.flat(),
    )
