"""Long work in a thread: all of it is done, and others have their turns meanwhile."""

import threading
import time

import pytest

from services.feature_store.turns import in_turns


@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_everything_is_worked_on_in_order(count: int) -> None:
    """Whether or not it comes out even."""
    assert list(in_turns(range(count), 3)) == list(range(count))


@pytest.mark.parametrize(("count", "turns"), [(0, 0), (3, 0), (4, 1), (9, 2), (10, 3)])
def test_there_is_a_turn_between_parts_alone(monkeypatch: pytest.MonkeyPatch, count: int, turns: int) -> None:
    """Work that is done at once costs no sleep."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    for _ in in_turns(range(count), 3):
        pass
    assert len(slept) == turns


def test_another_thread_gets_on_while_work_goes_on() -> None:
    """It is let in long before the work ends."""
    got_on = threading.Event()
    waiting = threading.Thread(target=got_on.set)
    for number in in_turns(range(1_000_000), 100):
        if number == 0:
            waiting.start()
        if got_on.is_set():
            break
    waiting.join()
    assert number < 500_000
