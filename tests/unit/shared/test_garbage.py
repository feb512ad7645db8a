"""The garbage collector and what lives long."""

import gc
from collections.abc import Iterator

import pytest

from shared.garbage import YOUNGEST, spare_what_lives


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Puts the collector back to how it was."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_lives_is_not_looked_through_again() -> None:
    """A catalogue that was loaded is in none of the generations that a collection walks."""
    catalogue = [[number] for number in range(100)]
    spare_what_lives()
    walked = {id(one) for one in gc.get_objects()}
    assert not walked & {id(one) for one in catalogue}
    assert gc.get_threshold()[0] == YOUNGEST


def test_cycles_that_come_later_are_still_collected() -> None:
    """Garbage of requests does not pile up."""
    spare_what_lives()
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    assert gc.collect() >= 1
