"""A circuit opens after failures in a row, and lets one call through in a while to see."""

import pytest

from services.gateway.circuit import Circuit
from tests.unit.gateway.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


def opened(clock: FakeClock) -> Circuit:
    """A circuit that has just opened, for one second."""
    circuit = Circuit(3, 1.0, clock)
    for _ in range(3):
        circuit.failed()
    return circuit


def test_it_lets_calls_through_until_enough_failed_in_a_row(clock: FakeClock) -> None:
    """An answer in between starts the count anew."""
    circuit = Circuit(3, 1.0, clock)
    for succeeds in (False, False, True, False, False):
        assert circuit.allows()
        circuit.succeeded() if succeeds else circuit.failed()
    assert circuit.allows()
    circuit.failed()
    assert not circuit.allows()


def test_one_call_goes_through_once_the_time_is_up(clock: FakeClock) -> None:
    """The others go on being turned away until it is known what became of it."""
    circuit = opened(clock)
    clock.now += 1.0
    assert circuit.allows()
    assert not circuit.allows()


def test_an_answer_closes_it(clock: FakeClock) -> None:
    """A neighbour that is back is asked by everybody at once."""
    circuit = opened(clock)
    clock.now += 1.0
    assert circuit.allows()
    circuit.succeeded()
    assert circuit.allows()
    assert circuit.allows()


def test_another_failure_keeps_it_open(clock: FakeClock) -> None:
    """The next try is as far away as the first one was."""
    circuit = opened(clock)
    clock.now += 1.0
    assert circuit.allows()
    circuit.failed()
    clock.now += 0.9
    assert not circuit.allows()
    clock.now += 0.1
    assert circuit.allows()


def test_a_try_whose_outcome_nobody_told_does_not_keep_it_open_for_ever(clock: FakeClock) -> None:
    """A caller may give up in the middle of the one call that went through."""
    circuit = opened(clock)
    clock.now += 1.0
    assert circuit.allows()
    clock.now += 1.0
    assert circuit.allows()
