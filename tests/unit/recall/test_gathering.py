"""Bringing together what threads find."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.recall.gathering import Gathering

Outcomes = Sequence[int | Exception | None]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Two threads."""
    with ThreadPoolExecutor(2) as executor:
        yield executor


def shown(outcomes: Outcomes) -> list[str]:
    """Concludes with what came of each job."""
    return [repr(outcome) for outcome in outcomes]


def failing() -> int:
    """A job that fails."""
    raise ValueError("no")


async def test_outcomes_come_in_the_order_of_the_jobs(pool: ThreadPoolExecutor) -> None:
    """Whichever ends first; a failure stands in its place."""
    second_has_ended = threading.Event()

    def first() -> int:
        assert second_has_ended.wait(10)
        return 1

    def second() -> int:
        second_has_ended.set()
        return 2

    gathering = Gathering(pool, shown)
    assert await gathering.run([first, second, failing], 10) == ["1", "2", "ValueError('no')"]


async def test_what_is_not_there_in_time_is_done_without() -> None:
    """Neither is a job begun that nobody waits for any more."""
    given_up, begun = threading.Event(), list[str]()

    def blocked() -> int:
        begun.append("blocked")
        assert given_up.wait(10)
        return 1

    def late() -> int:
        begun.append("late")
        return 3

    class SinglePool(ThreadPoolExecutor):
        """One thread, so that the second job waits behind the first until nobody waits for either."""

        def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
            """Lets the first job go on when it is the conclusion that is submitted."""
            future = super().submit(function, *args, **kwargs)
            if not args:
                given_up.set()
            return future

    with SinglePool(1) as pool:
        assert await Gathering(pool, shown).run([blocked, late], 0.02) == ["None", "None"]
    assert begun == ["blocked"]


async def test_a_job_that_was_not_begun_is_not_begun_for_a_caller_that_has_gone(pool: ThreadPoolExecutor) -> None:
    """A cancelled request costs no search."""
    release = threading.Event()
    begun = threading.Event()
    late: list[int] = []

    def never() -> int:
        late.append(1)
        return 1

    def blocked() -> int:
        begun.set()
        assert release.wait(10)
        return 1

    try:
        run = asyncio.ensure_future(Gathering(pool, shown).run([blocked, blocked, never], 10))
        await asyncio.to_thread(begun.wait, 10)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    finally:
        release.set()
    pool.shutdown(wait=True)
    assert late == []


async def test_a_conclusion_that_fails_is_the_callers_to_hear(pool: ThreadPoolExecutor) -> None:
    """Instead of waiting for ever."""

    def conclude(outcomes: Outcomes) -> None:
        raise KeyError(len(outcomes))

    with pytest.raises(KeyError):
        await Gathering(pool, conclude).run([lambda: 1], 10)
