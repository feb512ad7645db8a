"""An event counts once within the window, and what leaves the window is forgotten little by little."""

from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feature_store.event_window import EventWindow

LENGTH_MS = 10


class _Window:
    """An `EventWindow` with its databases, in one open transaction."""

    def __init__(self, environment: lmdb.Environment, transaction: lmdb.Transaction) -> None:
        self._database = environment.open_db(b"event_keys", txn=transaction)
        self._window = EventWindow(self._database, LENGTH_MS)
        self._transaction = transaction

    def admit(self, key: int, now_ms: int) -> bool:
        return self._window.admit(self._transaction, key.to_bytes(16, "big"), now_ms)

    def reopened(self, environment: lmdb.Environment) -> "_Window":
        return _Window(environment, self._transaction)

    def prune(self, now_ms: int, limit: int) -> None:
        self._window.prune(self._transaction, now_ms, limit)

    @property
    def entries(self) -> int:
        """How many entries the database has."""
        return int(self._transaction.stat(self._database)["entries"])


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lmdb.Environment]:
    """An LMDB environment; each test undoes what it wrote."""
    path: Path = tmp_path_factory.mktemp("window")
    with lmdb.open(str(path), max_dbs=2) as opened:
        yield opened


@pytest.fixture
def window(environment: lmdb.Environment) -> Iterator[_Window]:
    """An empty window."""
    transaction = environment.begin(write=True)
    yield _Window(environment, transaction)
    transaction.abort()


def test_a_key_is_admitted_once_within_the_window(window: _Window) -> None:
    """Up to the last millisecond."""
    assert window.admit(1, now_ms=100)
    assert not window.admit(1, now_ms=100)
    assert not window.admit(1, now_ms=109)


def test_a_key_is_forgotten_when_the_window_has_passed(window: _Window) -> None:
    """At once, though nothing was removed; from then on it is remembered anew."""
    window.admit(1, now_ms=100)
    assert window.admit(1, now_ms=110)
    assert not window.admit(1, now_ms=119)


def test_a_repetition_does_not_prolong_the_window(window: _Window) -> None:
    """The window begins with the recording."""
    window.admit(1, now_ms=100)
    window.admit(1, now_ms=109)
    assert window.admit(1, now_ms=110)


def test_pruning_removes_the_oldest_and_no_more_than_the_limit(window: _Window) -> None:
    """So that no single write pays for a week of events."""
    for key in range(5):
        window.admit(key, now_ms=100 + key)
    window.admit(5, now_ms=110)
    window.prune(now_ms=125, limit=2)
    assert window.entries == 4
    window.prune(now_ms=125, limit=10)
    assert window.entries == 1
    assert window.admit(3, now_ms=125)


def test_a_clock_that_is_set_back_hides_nothing(environment: lmdb.Environment, window: _Window) -> None:
    """What was recorded stays known, though it seems to lie ahead; to a window that is opened anew as well."""
    window.admit(1, now_ms=200)
    assert not window.admit(1, now_ms=150)
    assert not window.reopened(environment).admit(1, now_ms=150)


def test_pruning_an_empty_window_does_nothing(window: _Window) -> None:
    """There is no first entry."""
    window.prune(now_ms=200, limit=2)
    assert window.entries == 0


@given(steps=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 2))))
def test_the_window_is_a_dictionary_of_times(environment: lmdb.Environment, steps: list[tuple[int, int, int]]) -> None:
    """Whenever and however little is pruned, admission depends on the time of recording alone."""
    transaction = environment.begin(write=True)
    window, recorded, now = _Window(environment, transaction), dict[int, int](), 0
    for key, later, limit in steps:
        now += later
        new = now - recorded.get(key, -LENGTH_MS) >= LENGTH_MS
        assert window.admit(key, now) is new
        recorded[key] = now if new else recorded[key]
        window.prune(now, limit)
    transaction.abort()
