"""A file of experiments and a log, read for a person: what is wrong is said in a sentence."""

from collections.abc import Iterator
from pathlib import Path

from services.cli.event_log.folder import check_folder
from services.cli.experiments.outcomes import Outcomes, read_outcomes
from services.cli.failure import Failure
from services.gateway.experiments.definition import Experiments
from services.gateway.experiments.reading import ExperimentsRefused, read_experiments
from shared.event_log import LogDamaged, read_log
from shared.event_log.records import Record
from shared.events import EventWeights


def read_file(path: Path) -> Experiments:
    """Reads a file of experiments.

    Raises:
        Failure: it is refused.
    """
    try:
        return read_experiments(path)
    except ExperimentsRefused as refused:
        raise Failure(f"{refused}. What a file may say stands in docs/experiments.md.") from refused


def read_from_log(folder: Path, weights: EventWeights, within_hours: float, since_ms: int) -> Outcomes:
    """Joins what the log in a folder holds.

    Raises:
        Failure: there is no log, or it is damaged.
    """
    check_folder(folder)

    def records() -> Iterator[Record]:
        return (record for _, record in read_log(folder))

    try:
        return read_outcomes(records, weights, int(within_hours * 3_600_000), since_ms)
    except LogDamaged as damaged:
        raise Failure(f"The log is damaged. {damaged}.") from damaged
