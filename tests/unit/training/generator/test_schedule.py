"""The times at which readers read."""

import numpy as np
import pytest

from services.training.generator import GeneratorConfig
from services.training.generator.catalogue import DAY_MS, PERIOD_START_MS
from services.training.generator.config import MIN_EVENTS_PER_USER
from services.training.generator.schedule import SESSION_GAP_MS, Schedule, draw_schedule

CONFIG = GeneratorConfig(users=300, items=400, events=9_000, days=60)


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    """A schedule of a few hundred readers."""
    return draw_schedule(CONFIG, np.random.default_rng(1))


def test_everybody_reads_enough_and_nobody_everything(schedule: Schedule) -> None:
    """The number of events is about what was asked for, with a few readers who read much more than most."""
    lengths = np.diff(schedule.offsets)

    assert lengths.min() >= MIN_EVENTS_PER_USER
    assert lengths.max() <= CONFIG.items // 4
    assert 0.9 * CONFIG.events <= lengths.sum() <= CONFIG.events
    assert lengths.max() > 2 * np.median(lengths)


def test_times_run_forward_for_each_reader_within_the_period(schedule: Schedule) -> None:
    """The last session may run on after the end for as long as a session lasts."""
    for start, end in zip(schedule.offsets[:-1], schedule.offsets[1:], strict=True):
        assert (np.diff(schedule.timestamps[start:end]) >= 0).all()
    assert schedule.timestamps.min() >= PERIOD_START_MS
    assert schedule.timestamps.max() < PERIOD_START_MS + (CONFIG.days + 2) * DAY_MS
    assert schedule.progress.min() >= 0
    assert schedule.progress.max() <= 1


def test_a_session_starts_with_the_first_event_and_after_every_pause(schedule: Schedule) -> None:
    """Within a session no pause is longer than an hour."""
    for start, end in zip(schedule.offsets[:-1], schedule.offsets[1:], strict=True):
        pauses = np.diff(schedule.timestamps[start:end])
        assert schedule.starts_session[start]
        assert (schedule.starts_session[start + 1 : end] == (pauses > SESSION_GAP_MS)).all()
    assert 2 < 1 / schedule.starts_session.mean() < 6, "sessions have a few events"
