"""What each recall channel is good for."""

from collections.abc import Mapping

from services.cli.report_page.figures import Channel
from services.cli.report_page.measurement import Rows
from services.cli.report_page.searching import Searched
from services.cli.report_page.training_report import TrainingReport
from services.training.merged_places import MergedPlaces


def describe_channels(
    searched: Searched, targets: Rows, annoy_loss: Mapping[str, float], report: TrainingReport
) -> tuple[Channel, ...]:
    """Returns what each channel finds by itself, and how much more all find together for having it.

    Args:
        searched: What the channels find by exact search.
        targets: int64 [users], what came next.
        annoy_loss: What each index loses.
        report: Training's, which knows the channels' models.
    """
    places = MergedPlaces.of(list(searched.exact.values()), targets)
    quotas = searched.quotas

    def found(kept: Mapping[str, float]) -> float:
        return float((places.places([kept.get(name, 0.0) for name in quotas]) <= searched.size).mean())

    everything = found(quotas)
    return tuple(
        Channel(
            name=name,
            model=str(report.configuration.get(f"channels.{name}.model", "")),
            quota=quota / sum(quotas.values()),
            alone=found({name: quota}),
            adds=everything - found({other: share for other, share in quotas.items() if other != name}),
            index_loss=annoy_loss.get(name),
        )
        for name, quota in quotas.items()
    )
