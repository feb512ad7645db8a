"""The evaluation: a suite that knows everybody's past but the newest event is asked what comes next."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from services.cli import trained, user_import
from services.cli.evaluation.annoy_loss import annoy_losses
from services.cli.evaluation.asking import RESULTS, ask_gateway, ask_recall
from services.cli.evaluation.outcome import Evaluation, Quality
from services.cli.evaluation.popularity import popularity_ranks
from services.cli.evaluation.questions import draw_questions
from services.cli.failure import Failure
from services.cli.report_page.gather import LONGEST_ANSWER, gather_figures
from services.cli.report_page.measurement import Measurement
from services.cli.report_page.page import ReportPage
from services.cli.report_page.pictures import pictures
from services.cli.serving import running_suite
from services.cli.supervisor import SuitePorts
from services.cli.work_bars import bar
from services.training.datasets import Dataset
from shared.snapshot.catalogue import read_catalogue
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest
from shared.snapshot.repository import SnapshotRepository


@dataclass(frozen=True)
class Asked:
    """What to evaluate.

    Attributes:
        data: The folder of the data set that the snapshot was trained on.
        root: Where `snapshots` is; its current one is evaluated.
        users: How many users to ask about at most.
        seed: Of the choice of users.
        figures: Whether to gather the figures of the report page too.
    """

    data: Path
    root: Path
    users: int
    seed: int
    figures: bool = False

    @property
    def repository(self) -> SnapshotRepository:
        """Where the snapshot is."""
        return SnapshotRepository(self.root / "snapshots")


@dataclass(frozen=True)
class Found:
    """What an evaluation found.

    Attributes:
        evaluation: The figures that `--check` looks at.
        page: The report page; None where none was asked for.
    """

    evaluation: Evaluation
    page: ReportPage | None


async def of_own_suite(asked: Asked) -> Found:
    """Evaluates in a suite of its own, on free ports with a store of its own.

    Raises:
        Failure: data and snapshot do not fit together, or the suite does not run.
    """
    dataset = user_import.load(asked.data)
    manifest = trained.current_for(dataset, asked.repository)
    ports = SuitePorts.free()
    with tempfile.TemporaryDirectory(prefix="winnow-evaluate-") as folder:
        async with running_suite(Path(folder), ports, snapshots=asked.repository.root):
            user_import.import_all(dataset, ports.target("feature_store"), skip_last=1)
            return await _measure(asked, dataset, manifest, ports.target("gateway"), ports.target("recall"))


async def of_running_suite(asked: Asked, gateway: str, recall: str) -> Found:
    """Evaluates a suite whose feature store knows everything but each user's newest event.

    Args:
        asked: What to evaluate.
        gateway: Where the gateway listens.
        recall: Where recall listens.

    Raises:
        Failure: data and snapshot do not fit together, a call fails, or the suite serves another snapshot.
    """
    dataset = user_import.load(asked.data)
    return await _measure(asked, dataset, trained.current_for(dataset, asked.repository), gateway, recall)


async def _measure(asked: Asked, dataset: Dataset, manifest: Manifest, gateway: str, recall: str) -> Found:
    folder = asked.repository.folder(manifest.id)
    catalogue = read_catalogue(folder / manifest.catalogue)
    questions = draw_questions(dataset, catalogue, asked.users, asked.seed)
    with bar("Asking the gateway", len(questions)) as advance:
        answers = await ask_gateway(gateway, questions, LONGEST_ANSWER if asked.figures else RESULTS, advance)
    if answers.snapshot_ids != {manifest.id}:
        raise Failure(f"The gateway answered from {', '.join(sorted(answers.snapshot_ids))}, not from {manifest.id}.")
    features = questions.user_features(manifest.feature_schema.user_fields)
    retrieved = await ask_recall(recall, questions, manifest.id, features)
    try:
        losses = annoy_losses(folder, manifest, questions)
    except (SnapshotRefused, OSError) as error:
        raise Failure(f"The indexes of {manifest.id} cannot be measured: {error}.") from error
    measured = Measurement(
        dataset=dataset,
        folder=folder,
        manifest=manifest,
        catalogue=catalogue,
        questions=questions,
        seed=asked.seed,
        answers=answers,
        retrieved=retrieved,
        popularity=popularity_ranks(dataset, catalogue, questions),
        annoy_loss=losses,
    )
    if not asked.figures:
        return Found(_evaluation(measured), None)
    figures = await gather_figures(measured, gateway)
    return Found(_evaluation(measured), ReportPage(figures, pictures(dataset, figures.examples)))


def _evaluation(measured: Measurement) -> Evaluation:
    return Evaluation(
        dataset=measured.dataset.name,
        snapshot_id=measured.manifest.id,
        users=len(measured.questions),
        gateway=Quality.of_ranks(measured.answers.ranks),
        recall=Quality.of_ranks(measured.retrieved.ranks),
        popularity=Quality.of_ranks(measured.popularity),
        annoy_loss=measured.annoy_loss,
        degraded=measured.degraded(),
    )
