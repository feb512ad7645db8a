"""How it was measured, in facts that are the same on every machine."""

import shlex
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from services.cli.report_page.figures import Provenance
from services.cli.report_page.headlines import RESAMPLES
from services.cli.report_page.measurement import Measurement
from services.cli.report_page.training_report import TrainingReport
from services.training.datasets import leave_last_out


def provenance(measured: Measurement, report: TrainingReport) -> Provenance:
    """Returns what was evaluated, with what, and how to do it again. Folders are left out: they are of one machine."""
    dataset, manifest = measured.dataset, measured.manifest
    held_out = leave_last_out(dataset.histories()).held_out
    command = (
        "winnow",
        "evaluate",
        "--data",
        dataset.name,
        "--users",
        len(measured.questions),
        "--seed",
        measured.seed,
    )
    return Provenance(
        dataset=dataset.name,
        sizes={"items": len(dataset.items), "users": len(dataset.users), "events": len(dataset.interactions)},
        snapshot_id=manifest.id,
        created=manifest.created,
        measured=datetime.now(UTC).date().isoformat(),
        command=shlex.join(str(word) for word in command),
        users=len(measured.questions),
        able=int(np.count_nonzero(held_out.lengths)),
        seed=measured.seed,
        resamples=RESAMPLES,
        degraded=measured.degraded(),
        versions={"winnow": version("winnow"), **report.versions},
        configuration=report.configuration,
    )
