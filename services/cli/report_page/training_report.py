"""What training wrote about the snapshot, as far as the page needs it."""

from pathlib import Path

import msgspec

FILE = "report.json"


class TrainingReport(msgspec.Struct, frozen=True):
    """A part of `services.training.report.Report`, which cannot be imported without torch.

    Attributes:
        quality: By part (validation, test), then by stage, then by metric.
        epochs: By model, the validation NDCG@10 after every epoch.
        versions: Of the packages that trained.
        configuration: Every choice, by dotted name.
    """

    quality: dict[str, dict[str, dict[str, float]]] = {}
    epochs: dict[str, list[float]] = {}
    versions: dict[str, str] = {}
    configuration: dict[str, str | int | float | bool] = {}

    def ranked(self, metric: str) -> float | None:
        """Returns what the whole funnel reaches on all test users; None where the report does not say."""
        return self.quality.get("test", {}).get("ranked", {}).get(metric.lower())


def read_training_report(folder: Path) -> TrainingReport:
    """Returns what the snapshot's report says; an empty one where it has none that can be read."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=TrainingReport)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return TrainingReport()
