"""All figures of the page from one measurement."""

from dataclasses import dataclass

import numpy as np

from services.cli.evaluation.asking import MAX_CANDIDATES
from services.cli.failure import Failure
from services.cli.report_page.calibration import calibration
from services.cli.report_page.channels import describe_channels
from services.cli.report_page.curves import gain_curves, hit_rate_curves, recall_curves, training_curves
from services.cli.report_page.examples import OF_EACH, examples
from services.cli.report_page.figures import Calibration, Figures, Headline, Recall
from services.cli.report_page.headlines import headlines
from services.cli.report_page.item_map import item_map
from services.cli.report_page.lists import list_qualities
from services.cli.report_page.measurement import Measurement
from services.cli.report_page.parts import parts
from services.cli.report_page.people import Example
from services.cli.report_page.provenance import provenance
from services.cli.report_page.ranking import score_lists
from services.cli.report_page.searching import Searched, search
from services.cli.report_page.stages import Ranks, offline_stage, ranks_in, stages, stages_verdict
from services.cli.report_page.training_report import TrainingReport, read_training_report
from services.cli.work_bars import bar
from services.training.recall_lists import order_lists
from shared.snapshot.errors import SnapshotRefused

#: How many items the gateway is asked for, for the curves: the most that it gives.
LONGEST_ANSWER = 100


@dataclass(frozen=True, eq=False)
class Offline:
    """The funnel computed from the snapshot's files, for the same users.

    Attributes:
        searched: What the channels find.
        ranks: After each stage of the funnel, served ones among them.
        calibration: Of the ranker's scores.
    """

    searched: Searched
    ranks: Ranks
    calibration: Calibration | None


async def gather_figures(measured: Measurement, gateway: str) -> Figures:
    """Computes every figure, with progress bars.

    Args:
        measured: What the suite answered, with lists of `LONGEST_ANSWER`.
        gateway: Where it can be asked for explanations.

    Raises:
        Failure: the gateway cannot be asked, or the snapshot cannot be read.
    """
    with bar("Asking for explanations", 2 * OF_EACH) as advance:
        shown = await examples(measured, gateway, advance)
    report = read_training_report(measured.folder)
    try:
        offline = _compute_offline(measured)
        with bar("Drawing intervals", None):
            return _figures(measured, offline, report, shown)
    except (SnapshotRefused, OSError) as error:
        raise Failure(f"The files of {measured.manifest.id} cannot be measured: {error}.") from error


def _compute_offline(measured: Measurement) -> Offline:
    """Searches and ranks as the services do, without them."""
    users, targets = len(measured.questions), measured.questions.targets
    size = min(MAX_CANDIDATES, measured.manifest.items)
    with bar("Searching exactly", users * len(measured.manifest.channels)) as advance:
        searched = search(measured, size, advance)
    merged = searched.merged(searched.exact)
    retrieved = measured.retrieved.lists[:, :size]
    with bar("Ranking offline", 2 * users) as advance:
        of_merged = score_lists(measured, merged, advance)
        # Where recall answers as it should there is nothing else to rank.
        same = np.array_equal(merged, retrieved)
        of_retrieved = of_merged if same else score_lists(measured, retrieved, advance)
    ranks = Ranks(
        merged=ranks_in(merged, targets),
        merged_index=ranks_in(searched.merged(searched.through_index), targets),
        retrieved=measured.retrieved.ranks,
        retrieved_ranked=ranks_in(order_lists(retrieved, of_retrieved), targets),
        offline=ranks_in(order_lists(merged, of_merged), targets),
        served=measured.answers.ranks,
    )
    return Offline(searched, ranks, calibration(retrieved, of_retrieved, targets))


def _figures(measured: Measurement, offline: Offline, report: TrainingReport, shown: tuple[Example, ...]) -> Figures:
    served, targets, size = measured.answers.ranks, measured.questions.targets, offline.searched.size
    others = {"offline": offline.ranks.offline, "popularity": measured.popularity}
    told = headlines(served, measured.popularity, offline.ranks.offline, report)
    return Figures(
        summary=_summary(measured, told[0]),
        provenance=provenance(measured, report),
        headlines=told,
        hit_rates=hit_rate_curves(served, others, LONGEST_ANSWER),
        gains=gain_curves(served, others, LONGEST_ANSWER),
        training=training_curves(report.epochs),
        recall=Recall(
            candidates=size,
            curves=recall_curves({"merged": offline.ranks.merged, **offline.searched.ranks}, size),
            channels=describe_channels(offline.searched, targets, measured.annoy_loss, report),
        ),
        stages=(*stages(offline.searched, targets, offline.ranks), offline_stage(offline.ranks, size)),
        stages_verdict=stages_verdict(offline.ranks),
        calibration=offline.calibration,
        parts=parts(measured),
        lists=list_qualities(measured),
        item_map=item_map(measured),
        examples=shown,
    )


def _summary(measured: Measurement, first: Headline) -> str:
    """Returns what the page says, for who reads one sentence."""
    users = len(measured.questions)
    served, popular = first.served, first.popularity
    return (
        f"Of {users:,} people the newest event was hidden, and the running suite was asked what each of them would take "
        f"next. Its ten recommendations held that very item for {np.rint(served.mean * users):,.0f} of them "
        f"({served.mean:.1%}; with other people of the same kind it would be between {served.low:.1%} and "
        f"{served.high:.1%}). Recommending what is most popular would have for {np.rint(popular.mean * users):,.0f} "
        f"({popular.mean:.1%})."
    )
