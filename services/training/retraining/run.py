"""One round of retraining: log, examples, training, gate, and, when that is passed, the new snapshot goes live."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import structlog

from services.training.config import TrainingConfig
from services.training.datasets import load_dataset
from services.training.job import TrainingOutcome, train
from services.training.offline.real_traffic import read_traffic, user_ids_of, with_stored_ids
from services.training.progress import ProgressDisplay
from services.training.retraining.gate import LastEvents, compare
from services.training.retraining.ledger import Ledger, Round
from services.training.retraining.published_funnel import PublishedFunnel
from shared.event_log import read_log
from shared.event_log.records import EventRecord
from shared.event_log.segments import list_segments
from shared.events import EventWeights
from shared.quota import cpu_quota
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.repository import SnapshotRepository

logger = structlog.get_logger()

#: With fewer people to ask about, the difference between two snapshots is noise.
LEAST_PEOPLE = 30


@dataclass(frozen=True, slots=True)
class Retraining:
    """What to retrain from, and when and how to judge it.

    Attributes:
        log: The folder of the feature store's log.
        out: Root folder of the snapshots.
        data: The data set that the log continues; None where there is nothing but the log.
        offline: An offline store to bring up to date and to read from; None for one that lasts for a round.
        weights: What events count.
        min_events: Fewer new events than these are not worth a round.
        max_loss: The share of the current snapshot's NDCG@10 that the new one may lose and still go live.
        people: How many people the gate asks about at most.
        user_id_key_file: The key by whose hashes the log has the users; None where it has them as they come.
    """

    log: Path
    out: Path
    data: Path | None = None
    offline: Path | None = None
    weights: EventWeights = field(default_factory=EventWeights)
    min_events: int = 1
    max_loss: float = 0.02
    people: int = 5_000
    user_id_key_file: Path | None = None


def retrain(wanted: Retraining, config: TrainingConfig, display: ProgressDisplay) -> Round:
    """Runs a round and notes it in the ledger beside the snapshots.

    A new snapshot goes live unless it is below popularity on its own test, or loses to the current snapshot on what people
    did last by themselves. The new one held those events out, as its test; the current one was trained before most of
    them, so what has changed since counts against it, which is why there is retraining.

    Args:
        wanted: What to retrain from.
        config: Of the training.
        display: Follows the round.

    Returns:
        What came of it; a round without enough new events trains nothing.

    Raises:
        DatasetError: all together is too little to train on.
        LogDamaged: the log does not hold what was written to it.
        OfflineStoreError: the offline store cannot be used.
        ExportMismatch: an exported graph does not compute what its module computes.
        OSError: something cannot be read or written.
    """
    repository, ledger = SnapshotRepository(wanted.out), Ledger(wanted.out)
    position, events = _what_is_new(wanted.log, ledger.position)
    began = datetime.datetime.now(datetime.UTC)
    if events < wanted.min_events:
        return Round(began, ledger.position, events, reason=f"{events} new events, of {wanted.min_events} wanted")
    known = load_dataset(wanted.data) if wanted.data else None
    if known and wanted.user_id_key_file:
        known = with_stored_ids(known, user_ids_of(wanted.user_id_key_file))
    dataset, traffic = read_traffic(known, wanted.log, wanted.offline, wanted.weights, display)
    outcome = train(config, dataset, wanted.out, display, traffic, activate=False)
    questions = LastEvents.of(dataset, wanted.people, config.seed, traffic.shown)
    passed, reason = _judge(wanted, config, outcome, questions)
    if passed:
        repository.activate(outcome.snapshot_id)
    done = Round(
        began,
        position,
        events,
        snapshot=outcome.snapshot_id,
        live=passed,
        reason=reason,
    )
    ledger.note(done)
    logger.info("a round of retraining is over", snapshot=done.snapshot, live=done.live, reason=done.reason)
    return done


def _judge(
    wanted: Retraining, config: TrainingConfig, outcome: TrainingOutcome, questions: LastEvents
) -> tuple[bool, str]:
    """Returns whether a new snapshot may go live, and why."""
    test = outcome.report.quality["test"]
    own, popularity = test["ranked"]["ndcg@10"], test["popularity"]["ndcg@10"]
    if own < popularity:
        return False, f"its NDCG@10 of {own:.4f} is below that of popularity, {popularity:.4f}"
    repository = SnapshotRepository(wanted.out)
    current = repository.current()
    if current is None:
        return True, "there was no snapshot to compare it with"
    if len(questions.targets) < LEAST_PEOPLE:
        return True, (
            f"its NDCG@10 of {own:.4f} is above that of popularity, {popularity:.4f}; only {len(questions.targets)} people "
            f"last did something that nobody had recommended, too few to compare it with the current snapshot"
        )
    ranks = _ranks(repository.folder(current), questions, config)
    if ranks is None:
        return True, "the current snapshot cannot be read"
    new = PublishedFunnel(outcome.folder, config.candidates, config.threads or cpu_quota())
    verdict = compare(questions.ranks(new), ranks, wanted.max_loss)
    return verdict.passed, verdict.sentence


def _ranks(folder: Path, questions: LastEvents, config: TrainingConfig) -> npt.NDArray[np.int64] | None:
    """Returns what the current snapshot answers; None where it cannot be read, for nothing is worse than that."""
    try:
        return questions.ranks(PublishedFunnel(folder, config.candidates, config.threads or cpu_quota()))
    except (SnapshotRefused, OSError) as error:
        logger.warning("the current snapshot cannot be compared with", snapshot=folder.name, problem=str(error))
        return None


def _what_is_new(log: Path, after: int) -> tuple[int, int]:
    """Returns where the log ends and how many events it has after a position.

    A log that does not reach the position is another one, of a store that was begun anew: all of it is new.
    """
    segments = list_segments(log)
    if not segments or after > segments[-1].start + segments[-1].path.stat().st_size:
        after = 0
    events = 0
    for position, record in read_log(log, after):
        after = position
        events += isinstance(record, EventRecord)
    return after, events
