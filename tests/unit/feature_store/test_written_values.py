"""Written item features on top of a snapshot's own, for as long as they may be served."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.feature_store.written_values import EXPIRED, OWN, WRITTEN, WrittenValues

OWN_VALUES = np.arange(12, dtype=np.float32).reshape(4, 3)

#: The first feature holds for ever, the second for ten seconds, the third for one.
TTL = (0.0, 10.0, 1.0)


class Matrix:
    """A snapshot's features with what is written over them."""

    def __init__(self, ttl_seconds: tuple[float, ...] = TTL) -> None:
        self.served = OWN_VALUES.copy()
        self.written = WrittenValues(self.served, OWN_VALUES, ttl_seconds)

    def put(self, row: int, column: int, value: float, at_ms: int) -> None:
        """Writes one value."""
        places = np.array([row], dtype=np.int64), np.array([column], dtype=np.int64)
        self.written.put(*places, np.array([value], dtype=np.float32), np.array([at_ms], dtype=np.int64))

    def read(self, now_ms: int) -> NDArray[np.float32]:
        """Returns what is served, as the service reads it."""
        self.written.expire(now_ms)
        return self.served


def test_the_snapshots_own_value_comes_back() -> None:
    """After the time to live, to the millisecond; what holds for ever stays."""
    matrix = Matrix()
    matrix.put(1, 0, 100.0, at_ms=5)
    matrix.put(1, 2, 102.0, at_ms=5)
    assert matrix.read(1_005)[1].tolist() == [100.0, 4.0, 102.0]
    assert matrix.read(1_006)[1].tolist() == [100.0, 4.0, 5.0]
    assert matrix.written.due_ms == math.inf


def test_a_value_that_is_written_again_lives_on() -> None:
    """From its newest writing."""
    matrix = Matrix()
    matrix.put(0, 2, 50.0, at_ms=0)
    matrix.put(0, 2, 51.0, at_ms=900)
    assert matrix.read(1_500)[0, 2] == 51.0
    assert matrix.read(1_901)[0, 2] == 2.0


def test_without_times_to_live_nothing_is_due() -> None:
    """So reading has nothing to do."""
    matrix = Matrix(())
    matrix.put(0, 2, 50.0, at_ms=1)
    assert matrix.written.due_ms == math.inf


def test_the_states_say_whence_each_value_is() -> None:
    """In the order of the rows that are asked for, with the age of what was written."""
    matrix = Matrix()
    matrix.put(3, 0, 100.0, at_ms=1_000)
    matrix.put(3, 2, 100.0, at_ms=1_000)
    states, ages = matrix.written.states(np.array([3, 0, 3], dtype=np.uint32), now_ms=4_000)
    assert states.tolist() == [[WRITTEN, OWN, EXPIRED], [OWN] * 3, [WRITTEN, OWN, EXPIRED]]
    assert ages.tolist() == [[3, 0, 3], [0, 0, 0], [3, 0, 3]]
    assert (states.dtype.name, ages.dtype.name) == ("uint8", "uint32")


def test_the_rows_that_differ_from_the_snapshots_own_are_told() -> None:
    """By their places among those that are asked for; a value that is written as it was makes no difference."""
    matrix = Matrix()
    matrix.put(0, 0, OWN_VALUES[0, 0], at_ms=1)
    assert matrix.written.differing(np.arange(4, dtype=np.uint32)).tolist() == []
    matrix.put(2, 1, 50.0, at_ms=1)
    matrix.put(3, 0, 60.0, at_ms=1)
    assert matrix.written.differ
    assert matrix.written.differing(np.array([3, 0, 2, 1, 2], dtype=np.uint32)).tolist() == [0, 2, 4]
    matrix.put(2, 1, OWN_VALUES[2, 1], at_ms=2)
    assert matrix.written.differing(np.array([3, 0, 2], dtype=np.uint32)).tolist() == [0]


writes = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(1, 30_000))


@given(st.lists(st.lists(writes, min_size=1, max_size=6), max_size=8), st.data())
def test_what_is_served_follows_from_the_newest_write_and_the_time(
    batches: list[list[tuple[int, int, int]]], data: st.DataObject
) -> None:
    """Whenever it was read before; a batch writes many values of different times at once."""
    matrix, newest, now = Matrix(), dict[tuple[int, int], int](), 0
    for batch in batches:
        places = {(row, column): at_ms for row, column, at_ms in batch if at_ms >= newest.get((row, column), 0)}
        newest |= places
        rows, columns = (np.array(axis, dtype=np.int64) for axis in zip(*places, strict=True)) if places else ((), ())
        if places:
            times = np.array(list(places.values()), dtype=np.int64)
            matrix.written.put(rows, columns, times.astype(np.float32) + 100, times)  # type: ignore[arg-type]
        now += data.draw(st.integers(0, 12_000))
        expected = OWN_VALUES.copy()
        for (row, column), at_ms in newest.items():
            if not TTL[column] or now - at_ms <= TTL[column] * 1_000:
                expected[row, column] = at_ms + 100
        assert np.array_equal(matrix.read(now), expected)
        differing = np.flatnonzero((expected != OWN_VALUES).any(axis=1)).tolist()
        assert matrix.written.differing(np.arange(4, dtype=np.uint32)).tolist() == differing
        assert matrix.written.differ == bool(differing)
