"""From a log and a question to reports."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.cli.experiments.reading import read_file, read_from_log
from services.cli.experiments.report import Asked, Report, control_of, report
from services.cli.failure import Failure
from services.gateway.experiments.definition import HOLDOUT
from shared.events import EventWeights


@dataclass(frozen=True)
class Question:
    """What to report.

    Attributes:
        log: The folder of the log.
        file: Of the experiments; None where the shares are not known.
        experiment: One of them; empty for all that the log has.
        control: The arm to compare with; empty to choose.
        weights: What events count, as `EventWeights.parse` reads it.
        within_hours: How long after it was shown an item may be what brought an event about.
        since: Leave out what was shown before; empty for nothing.
    """

    log: Path
    file: Path | None = None
    experiment: str = ""
    control: str = ""
    weights: str = ""
    within_hours: float = 24.0
    since: str = ""


def reports(question: Question, asked: Asked) -> list[Report]:
    """Returns a report of each experiment that is asked for, by name.

    Raises:
        Failure: something cannot be read, or the log has nothing of what is asked for.
    """
    shares = _shares(question.file)
    outcomes = read_from_log(question.log, _weights(question.weights), question.within_hours, _since(question.since))
    wanted = sorted(outcomes.arms) if not question.experiment else [question.experiment]
    if not outcomes.arms or (question.experiment and question.experiment not in outcomes.arms):
        what = f"experiment {question.experiment!r}" if question.experiment else "an experiment"
        known = f" It has {', '.join(sorted(outcomes.arms))}." if outcomes.arms else ""
        raise Failure(f"The log has no answers of {what}.{known} GATEWAY_EXPERIMENTS names the file of those that run.")
    found = []
    for name in wanted:
        arms = outcomes.arms[name]
        try:
            control = control_of(arms, question.control)
        except KeyError:
            raise Failure(f"{name} has no arm {question.control!r}; it has {', '.join(sorted(arms))}.") from None
        moved = outcomes.moved_users.get(name, 0)
        found.append(report(name, arms, control, asked, moved_users=moved, shares=shares.get(name)))
    return found


def _shares(file: Path | None) -> dict[str, dict[str, float]]:
    """Returns the share of each arm of each experiment."""
    if file is None:
        return {}
    return {
        one.name: {arm.name: arm.share for arm in one.arms} | ({HOLDOUT: one.holdout} if one.holdout else {})
        for one in read_file(file).experiments
    }


def _weights(text: str) -> EventWeights:
    try:
        return EventWeights.parse(text)
    except ValueError as problem:
        raise Failure(f"--weights: {problem}.") from problem


def _since(text: str) -> int:
    if not text:
        return 0
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Failure(f"--since {text!r} is no time such as 2026-11-21T10:00:00Z.") from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
