"""The store and its log: what was acknowledged is in both, and a crash between the two leaves nothing behind."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest

from services.feature_store.events import Event, ImportedUser, Recorded
from services.feature_store.item_write import ItemWrite
from services.feature_store.lmdb_store import LmdbStore
from services.feature_store.log_folder import Retention, open_log_folder
from services.feature_store.logged_commit import StoreBroken
from services.feature_store.store_folder import StoreRefused, open_store_folder
from shared.errors import StorageFull, Unavailable
from shared.event_log import LogBroken, read_log
from shared.event_log.records import AttributesRecord, EventRecord, ExposureRecord, ItemFeaturesRecord, Record
from shared.events import EventType
from tests.unit.feature_store.stores import MIB, WEEK_MS, WIDE, Clock, event, open_store, stored

NOW_MS = Clock().now_ms
EXPOSURE = ExposureRecord("r", "u", "s", "", 7, ("a",), (1.0,), (0.5,), ("content",), (1,))


def logged(path: Path) -> list[Record]:
    """Returns what a store's log has."""
    return [record for _, record in read_log(path / "log")]


async def test_the_log_has_what_changed_and_nothing_else(tmp_path: Path) -> None:
    """Events that were new, attributes and values that were written, exposures; in the order of the answers."""
    with open_store(tmp_path) as store:
        await store.record_events([Event("e", "u", "a", EventType.DWELL, 5, 90.0, "r"), event("f", "b", user_id="v")])
        await store.record_events([event("e"), event("g", "c", at_ms=6)])
        await store.import_users([ImportedUser("u", {"age": 3.0}, ["b", "c"], [4, 6], [1, 1], 9)])
        await store.import_users([ImportedUser("u", {"age": 4.0, "sex": "F"}, [], [], [], 8)])
        for number, at_ms in ((1.0, 20), (2.0, 10)):
            values = np.array([[number]], np.float32)
            await store.write_items(ItemWrite(["a"], ["price"], values, np.array([at_ms])), lambda _: None)
        await store.log_exposures([EXPOSURE])
    assert logged(tmp_path) == [
        EventRecord("u", "e", "a", EventType.DWELL, 5, NOW_MS, 90.0, "r"),
        EventRecord("v", "f", "b", EventType.VIEW, 0, NOW_MS),
        EventRecord("u", "g", "c", EventType.VIEW, 6, NOW_MS),
        AttributesRecord("u", {"age": 3.0}, 9, NOW_MS),
        EventRecord("u", "", "b", EventType.VIEW, 4, NOW_MS),
        AttributesRecord("u", {"sex": "F"}, 8, NOW_MS),
        ItemFeaturesRecord("a", {"price": 1.0}, 20, NOW_MS),
        EXPOSURE,
    ]


async def fill(store: LmdbStore) -> None:
    """Writes a little of everything."""
    await store.record_events([event(f"e{number}", f"i{number % 7}", at_ms=number) for number in range(100)])
    await store.import_users([ImportedUser("u", {"age": 3.0}, ["x", "y"], [50, 51], [1, 3], 9)])
    values = np.array([[1.0, 2.0]], np.float32)
    await store.write_items(ItemWrite(["i1"], ["price", "stock"], values, np.array([20])), lambda _: None)
    await store.record_events([event("late", "z", at_ms=3, user_id="v")])


def remembered(store: LmdbStore) -> Sequence[Any]:
    """Returns all that a store remembers."""
    items = [(item_id, item.names, item.times, item.values) for item_id, item in store.items()]
    return stored(store, "u"), stored(store, "v"), items, store.read_item_counters_now(["i1", "x", "z", "nothing"])


async def test_a_store_without_databases_is_made_anew_from_its_log(tmp_path: Path) -> None:
    """Everything is as it was, and an event sent again is still known."""
    with open_store(tmp_path) as store:
        await fill(store)
        before = remembered(store)
    (tmp_path / "data.mdb").unlink()
    with open_store(tmp_path) as store:
        assert remembered(store) == before
        assert await store.record_events([event("late", user_id="v")]) == Recorded(0, 1)
    assert len(logged(tmp_path)) == 105


class FailingCommit:
    """An LMDB environment whose commits fail once they are told to, after the log was synced.

    Args:
        environment: A sound one.
        failure: What a commit raises.
    """

    def __init__(self, environment: lmdb.Environment, failure: BaseException) -> None:
        self._environment = environment
        self._failure = failure
        self.fails = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environment, name)

    def begin(self, *, write: bool = False, **options: Any) -> Any:
        """Begins as LMDB does, or with a commit that fails."""
        transaction = self._environment.begin(write=write, **options)
        return _Failing(transaction, self._failure) if write and self.fails else transaction


class _Failing:
    def __init__(self, transaction: lmdb.Transaction, failure: BaseException) -> None:
        self._transaction = transaction
        self._failure = failure

    def __enter__(self) -> lmdb.Transaction:
        return self._transaction.__enter__()

    def __exit__(self, *_: object) -> None:
        self._transaction.abort()
        raise self._failure


@pytest.mark.parametrize(("failure", "raised"), [(lmdb.MapFullError("full"), StorageFull), (KeyError("bug"), KeyError)])
async def test_what_could_not_be_committed_is_taken_out_of_the_log(
    tmp_path: Path, failure: BaseException, raised: type[BaseException]
) -> None:
    """The two agree, and the store goes on."""
    with open_store_folder(tmp_path, 64 * MIB) as environment, open_log_folder(tmp_path, environment) as log:
        failing: Any = FailingCommit(environment, failure)
        with LmdbStore(failing, log, WIDE, event_window_ms=WEEK_MS, max_queued_events=10) as store:
            await store.record_events([event("1")])
            failing.fails = True
            with pytest.raises(raised):
                await store.record_events([event("2")])
            failing.fails = False
            assert await store.record_events([event("2")]) == Recorded(1, 0)
    assert [record.event_id for record in logged(tmp_path) if isinstance(record, EventRecord)] == ["1", "2"]


async def test_a_crash_after_the_log_was_synced_loses_nothing(tmp_path: Path) -> None:
    """What the log has and the databases lack is replayed once, when the store is opened again."""
    with open_store(tmp_path) as store:
        await store.record_events([event("1", "a", at_ms=1)])
    with open_store_folder(tmp_path, 64 * MIB) as environment, open_log_folder(tmp_path, environment) as log:
        log.append([EventRecord("u", "2", "b", EventType.VIEW, 2, NOW_MS), EventRecord("u", "3", "c", 1, 3, NOW_MS)])
        log.sync()
    for _ in range(2):
        with open_store(tmp_path) as store:
            user = stored(store, "u")
            assert user is not None
            assert user.history_items == ["a", "b", "c"]
            assert await store.record_events([event("2"), event("3")]) == Recorded(0, 2)
    assert len(logged(tmp_path)) == 3


async def test_a_log_that_broke_ends_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller may try again, and the process learns that it is to end."""
    with (
        open_store_folder(tmp_path, 64 * MIB) as environment,
        open_log_folder(tmp_path, environment) as log,
        LmdbStore(environment, log, WIDE, event_window_ms=WEEK_MS, max_queued_events=10) as store,
    ):
        monkeypatch.setattr(log, "sync", _raising(LogBroken("the disk failed")))
        with pytest.raises(Unavailable):
            await store.record_events([event("1")])
        with pytest.raises(StoreBroken, match="the disk failed"):
            await store.watch()
        assert store.read_now(["u"]) == [None]


def _raising(error: Exception) -> Callable[[], None]:
    def raise_() -> None:
        raise error

    return raise_


async def test_a_log_that_lacks_what_the_databases_have_is_refused(tmp_path: Path) -> None:
    """Somebody took it away: what was acknowledged would no longer be in both."""
    with open_store(tmp_path) as store:
        await store.record_events([event("1")])
    for segment in (tmp_path / "log").iterdir():
        segment.unlink()
    with pytest.raises(StoreRefused, match="its log cannot be used"), open_store(tmp_path):
        pass


async def test_the_log_is_kept_as_long_as_it_is_told(tmp_path: Path) -> None:
    """Whole segments go, oldest first; what the store remembers stays, also when it is opened again."""
    with open_store_folder(tmp_path, 64 * MIB) as environment, open_log_folder(tmp_path, environment, 1_000) as log:
        kept = Retention(max_bytes=2_000)
        options: Any = {"event_window_ms": WEEK_MS, "max_queued_events": 100, "retention": kept}
        with LmdbStore(environment, log, WIDE, **options) as store:
            for number in range(100):
                await store.record_events([event(f"{number}", f"i{number}", at_ms=number)])
            keeping = asyncio.create_task(store.retain())
            await asyncio.sleep(0)  # it has asked for its turn
            await store.log_exposures([EXPOSURE])
            keeping.cancel()
            assert log.end - log.start <= 2_000 + 200
    with open_store(tmp_path) as store:
        user = stored(store, "u")
    assert user is not None
    assert len(user.history_items) == 100
    assert 0 < len(logged(tmp_path)) < 50
