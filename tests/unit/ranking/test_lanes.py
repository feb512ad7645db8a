"""Threads that compute for the event loop."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from services.ranking.lanes import Lanes

#: The longest that a test waits for a thread.
PATIENCE = 30


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened at the latest when the test is over, so that no thread is left waiting."""
    event = threading.Event()
    yield event
    event.set()


async def test_a_call_is_carried_out_on_a_thread_and_its_outcome_returned() -> None:
    """Arguments included."""
    with Lanes(1, "test") as lanes:
        name, total = await lanes(lambda *numbers: (threading.current_thread().name, sum(numbers)), 2, 3)
    assert (name, total) == ("test_0", 5)


@pytest.mark.parametrize("error", [ValueError("wrong"), SystemExit(3)])
async def test_what_a_call_raises_is_the_callers_to_hear_and_the_thread_goes_on(error: BaseException) -> None:
    """Whatever it is: a thread that ended would keep later callers waiting for ever."""

    def fail() -> None:
        raise error

    with Lanes(1, "test") as lanes:
        with pytest.raises(type(error)):
            await lanes(fail)
        assert await lanes(int, "7") == 7


async def test_as_many_calls_are_under_way_as_there_may_be_threads(gate: threading.Event) -> None:
    """The next begins when one of them has ended, in the order in which they came."""
    begun: list[int] = []
    full = threading.Barrier(3)

    def wait(number: int) -> int:
        begun.append(number)
        if number < 2:
            full.wait(PATIENCE)
        assert gate.wait(PATIENCE)
        return number

    with Lanes(2, "test") as lanes:
        outcomes = [lanes(wait, number) for number in range(5)]
        await asyncio.to_thread(full.wait, PATIENCE)
        assert sorted(begun) == [0, 1]
        gate.set()
        assert await asyncio.gather(*outcomes) == [0, 1, 2, 3, 4]
    assert sorted(begun[:2]) == [0, 1]


async def test_callers_that_come_one_after_the_other_share_a_thread() -> None:
    """What a thread has in the caches is still there for the next."""
    with Lanes(4, "test") as lanes:
        names = {await lanes(lambda: threading.current_thread().name) for _ in range(20)}
    assert names == {"test_0"}


async def test_a_caller_that_goes_leaves_the_call_to_end_and_the_thread_to_others(gate: threading.Event) -> None:
    """Nothing can interrupt a run, and its outcome is nobody's any more."""
    ended = threading.Event()
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))

    def wait() -> None:
        assert gate.wait(PATIENCE)
        ended.set()

    with Lanes(1, "test") as lanes:
        gone = lanes(wait)
        later = lanes(int, "7")
        gone.cancel()
        gate.set()
        assert await later == 7
    assert ended.is_set()
    assert complaints == []


async def test_nothing_of_a_call_is_kept_when_it_has_ended() -> None:
    """A snapshot that is let go must be freed, however long no other request comes."""
    with Lanes(1, "test") as lanes:
        array = np.zeros(4)
        watched = weakref.ref(array)
        assert await lanes(lambda given: given.sum(), array) == 0
        del array
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while watched() is not None and asyncio.get_running_loop().time() < deadline:
            gc.collect()
            await asyncio.sleep(0)
        assert watched() is None


def test_a_thread_outlives_the_event_loop_that_called_it(gate: threading.Event) -> None:
    """An outcome that nobody can be told any more is no reason to end."""

    async def call(lanes: Lanes) -> None:
        lanes(gate.wait, PATIENCE)

    async def call_and_wait(lanes: Lanes) -> int:
        return await asyncio.wait_for(lanes(int, "7"), PATIENCE)

    with Lanes(1, "test") as lanes:
        asyncio.run(call(lanes))
        gate.set()
        assert asyncio.run(call_and_wait(lanes)) == 7


def test_leaving_waits_for_what_was_called(gate: threading.Event) -> None:
    """Whether or not anybody waits for the outcome."""
    done = []

    def wait() -> None:
        assert gate.wait(PATIENCE)
        done.append(True)

    async def call(lanes: Lanes) -> None:
        lanes(wait)

    with Lanes(1, "test") as lanes:
        asyncio.run(call(lanes))
        gate.set()
    assert done == [True]
