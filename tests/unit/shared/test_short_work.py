"""Which work may be done on the event loop."""

import gc
import weakref
from dataclasses import dataclass

import pytest

from shared.short_work import LONGEST_INLINE, QUIET, ShortWork


class Subject:
    """Does work."""


@dataclass
class Clock:
    """A clock that is set by hand; seconds."""

    now: float = 100.0

    def __call__(self) -> float:
        """Returns the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time of a test."""
    return Clock()


@pytest.fixture
def short(clock: Clock) -> ShortWork:
    """What is tested."""
    return ShortWork(clock)


def test_nothing_is_known_of_what_has_not_worked_yet(short: ShortWork, clock: Clock) -> None:
    """Neither of the first subject nor of one that takes its place."""
    first, second = Subject(), Subject()
    assert not short.fits(first, 1)
    short.took(first, 1, LONGEST_INLINE / 2)
    clock.now += QUIET
    assert short.fits(first, 1)
    assert not short.fits(second, 1)


def test_more_work_takes_longer(short: ShortWork, clock: Clock) -> None:
    """What fits depends on how much was done in what time."""
    subject = Subject()
    short.took(subject, 100, LONGEST_INLINE / 2)
    clock.now += QUIET
    assert short.fits(subject, 190)
    assert not short.fits(subject, 210)


def test_one_that_took_long_counts_at_once_and_is_forgotten_little_by_little(short: ShortWork, clock: Clock) -> None:
    """A service that has become slow must not hold its event loop up twice."""
    subject = Subject()
    short.took(subject, 1, LONGEST_INLINE / 2)
    short.took(subject, 1, LONGEST_INLINE * 2)
    clock.now += QUIET
    assert not short.fits(subject, 1)
    short.took(subject, 1, LONGEST_INLINE / 2)
    clock.now += QUIET
    assert not short.fits(subject, 1)
    for _ in range(20):
        short.took(subject, 1, LONGEST_INLINE / 2)
    clock.now += QUIET
    assert short.fits(subject, 1)


def test_what_comes_right_after_other_work_goes_to_a_thread(short: ShortWork, clock: Clock) -> None:
    """It had waited: more of its kind may wait, and could go together."""
    subject = Subject()
    short.took(subject, 1, LONGEST_INLINE / 2)
    clock.now += QUIET / 2
    assert not short.fits(subject, 1)
    clock.now += QUIET
    assert short.fits(subject, 1)


def test_nothing_fits_while_threads_work(short: ShortWork, clock: Clock) -> None:
    """Until all of them have ended, by an error or not."""
    subject = Subject()
    short.took(subject, 1, LONGEST_INLINE / 2)
    clock.now += QUIET
    with short.on_threads():
        with pytest.raises(ValueError, match="broken"), short.on_threads():
            raise ValueError("broken")
        assert not short.fits(subject, 1)
    assert short.fits(subject, 1)


def test_a_subject_that_nobody_uses_any_more_is_let_go(short: ShortWork) -> None:
    """A snapshot takes hundreds of megabytes."""
    subject = Subject()
    gone = weakref.ref(subject)
    short.took(subject, 1, 1.0)
    del subject
    gc.collect()
    assert gone() is None
