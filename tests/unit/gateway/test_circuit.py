"""A circuit opens after failures in a row, and closes when the neighbour gives a sign of life."""

import pytest

from services.gateway.circuit import Circuit


@pytest.fixture
def opened() -> Circuit:
    """A circuit that has just opened, after three failures."""
    circuit = Circuit(3)
    for _ in range(3):
        circuit.failed()
    return circuit


def test_it_opens_when_enough_failed_in_a_row() -> None:
    """An answer in between starts the count anew."""
    circuit = Circuit(3)
    for succeeds in (False, False, True, False, False):
        circuit.succeeded() if succeeds else circuit.failed()
        assert not circuit.is_open
    circuit.failed()
    assert circuit.is_open


def test_an_answer_closes_it(opened: Circuit) -> None:
    """It then takes as many failures as at first."""
    opened.succeeded()
    opened.failed()
    opened.failed()
    assert not opened.is_open


def test_after_a_sign_of_life_one_failure_opens_it_again(opened: Circuit) -> None:
    """The next caller tries; what it finds is believed at once."""
    opened.stirred()
    assert not opened.is_open
    opened.failed()
    assert opened.is_open


def test_a_sign_of_life_does_not_make_a_failing_neighbour_look_better() -> None:
    """Failures that were too few to open it still count."""
    circuit = Circuit(3)
    circuit.failed()
    circuit.stirred()
    circuit.failed()
    circuit.failed()
    assert circuit.is_open
