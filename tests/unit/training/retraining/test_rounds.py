"""Rounds, one or many."""

import datetime
from pathlib import Path

import pytest

from services.training.config import TrainingConfig
from services.training.datasets import DatasetError
from services.training.progress import Silence
from services.training.retraining.ledger import Round
from services.training.retraining.rounds import run_rounds, sentence
from services.training.retraining.run import Retraining
from shared.event_log import EventLog, LogDamaged
from shared.event_log.records import EventRecord
from shared.events import EventType

BEGAN = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)


class Interrupted(Exception):
    """Somebody ends what would go on for ever."""


class Clock:
    """Waits no time, and interrupts after some waits."""

    def __init__(self, waits: int) -> None:
        self.waited: list[float] = []
        self._waits = waits

    def sleep(self, seconds: float) -> None:
        """Notes how long it was to be."""
        self.waited.append(seconds)
        if len(self.waited) == self._waits:
            raise Interrupted


@pytest.fixture
def wanted(tmp_path: Path) -> Retraining:
    """A log with a single event, of which nothing can be learnt."""
    with EventLog(tmp_path / "log") as log:
        log.append([EventRecord("reader", "1", "book", EventType.VIEW, 1, 1)])
        log.sync()
    return Retraining(log=tmp_path / "log", out=tmp_path / "out")


def run(wanted: Retraining, told: list[str], failed: list[str], every: float, clock: Clock) -> None:
    """Runs rounds on a clock that waits no time."""
    run_rounds(
        wanted,
        TrainingConfig(),
        Silence(),
        ended=told.append,
        failed=failed.append,
        every_minutes=every,
        sleep=clock.sleep,
    )


def test_a_round_that_fails_is_told_and_the_next_one_comes(wanted: Retraining) -> None:
    """There may be enough to train on in an hour."""
    told: list[str] = []
    failed: list[str] = []
    clock = Clock(3)

    with pytest.raises(Interrupted):
        run(wanted, told, failed, 1.5, clock)

    assert clock.waited == [90.0, 90.0, 90.0]
    assert told == []
    assert len(failed) == 3
    assert all(words.startswith("This round failed; the next one comes in 1.5 minutes: ") for words in failed)


def test_the_only_round_that_fails_raises(wanted: Retraining) -> None:
    """Whoever runs it once wants to know by more than words."""
    told: list[str] = []
    with pytest.raises(DatasetError):
        run(wanted, told, told, 0.0, Clock(1))
    assert told == []


def test_a_damaged_log_ends_the_rounds(wanted: Retraining) -> None:
    """It does not get better by waiting."""
    with EventLog(wanted.log) as log:
        for event in "234":
            log.append([EventRecord("reader", event, "book", EventType.VIEW, 1, 1)])
    (segment,) = wanted.log.iterdir()
    segment.write_bytes(b"\xff" * 8 + segment.read_bytes()[8:])
    told: list[str] = []

    with pytest.raises(LogDamaged):
        run(wanted, told, told, 60.0, Clock(1))

    assert told == []


def test_rounds_without_enough_that_is_new_go_on(wanted: Retraining) -> None:
    """Each says so, and waits; one alone does not wait."""
    few = Retraining(log=wanted.log, out=wanted.out, min_events=5)
    told: list[str] = []
    clock = Clock(2)

    with pytest.raises(Interrupted):
        run(few, told, [], 60.0, clock)
    run(few, told, [], 0.0, clock)

    assert told == ["Nothing was trained: 1 new events, of 5 wanted."] * 3
    assert clock.waited == [3600.0, 3600.0]


def test_a_snapshot_that_is_kept_aside_is_told_as_such() -> None:
    """Not as one that is live."""
    assert sentence(Round(BEGAN, 7, 3, "one", live=False, reason="it lost")) == (
        "one stays in the folder and does not go live: it lost."
    )
    assert sentence(Round(BEGAN, 7, 3, "one", live=True, reason="it won")) == (
        "one is live, from 3 new events: it won."
    )
