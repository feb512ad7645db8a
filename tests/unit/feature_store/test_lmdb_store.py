"""The store of users in LMDB: what was acknowledged is there, once, and what was refused has changed nothing."""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmdb
import pytest

from services.feature_store.events import Event, ImportedUser, Recorded
from services.feature_store.lmdb_store import LmdbStore
from services.feature_store.log_folder import open_log_folder
from services.feature_store.logged_commit import StoreBroken, is_full
from services.feature_store.store_folder import open_store_folder
from services.feature_store.user_record import MAX_ATTRIBUTES, Bounds
from shared.errors import InvalidArgument, Overloaded, StorageFull, Unavailable
from shared.events import EventType
from tests.unit.feature_store.stores import MIB, WEEK_MS, WIDE, Clock, event, open_store, stored


@pytest.fixture
def clock() -> Clock:
    """The time as the store sees it."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[LmdbStore]:
    """An empty store."""
    with open_store(tmp_path, clock=clock) as opened:
        yield opened


def history(store: LmdbStore, user_id: str = "u") -> list[str]:
    """Returns the items in a user's history."""
    user = stored(store, user_id)
    return [] if user is None else user.history_items


async def test_the_next_read_sees_what_was_acknowledged(store: LmdbStore) -> None:
    """There is nothing to wait for between the answer and the read."""
    for number in range(5):
        await store.record_events([event(f"e{number}", f"i{number}", at_ms=number)])
        assert history(store) == [f"i{earlier}" for earlier in range(number + 1)]


async def test_an_unknown_user_comes_to_be_known(store: LmdbStore) -> None:
    """By a first event of any type, a dislike too."""
    assert store.read_now(["u", "v", ""]) == [None, None, None]
    await store.record_events([event("e", kind=EventType.DISLIKE)])
    known = stored(store, "u")
    assert known is not None
    assert (known.history_items, known.seen_items) == ([], ["i"])
    assert store.read_now(["v"]) == [None]


async def test_an_event_sent_again_counts_once(store: LmdbStore) -> None:
    """Within a request and across requests, whatever else the repetition says."""
    assert await store.record_events([event("e", "a"), event("e", "b")]) == Recorded(1, 1)
    assert await store.record_events([event("e", "c"), event("f", "d")]) == Recorded(1, 1)
    assert history(store) == ["a", "d"]


async def test_the_same_event_id_of_another_user_is_another_event(store: LmdbStore) -> None:
    """Even where user and event ids run together to the same text."""
    outcome = await store.record_events([event("bc", user_id="a"), event("c", user_id="ab"), event("bc", user_id="d")])
    assert outcome == Recorded(3, 0)


async def test_an_event_is_forgotten_after_the_window(store: LmdbStore, clock: Clock) -> None:
    """A week counts from the recording, not from the time of the event."""
    await store.record_events([event("e", at_ms=0)])
    clock.now_ms += WEEK_MS - 1
    assert await store.record_events([event("e", at_ms=0)]) == Recorded(0, 1)
    clock.now_ms += 1
    assert await store.record_events([event("e", at_ms=0)]) == Recorded(1, 0)


async def test_writes_prune_what_left_the_window(tmp_path: Path) -> None:
    """The ids of old events do not pile up: each new event makes room for more than itself."""
    clock = Clock()
    with open_store(tmp_path, clock=clock) as store:
        await store.record_events([event(f"old{number}") for number in range(30)])
        clock.now_ms += 2 * WEEK_MS
        await store.record_events([event(f"new{number}") for number in range(10)])
    with lmdb.open(str(tmp_path), max_dbs=8) as environment, environment.begin() as transaction:
        entries = transaction.stat(environment.open_db(b"event_keys", transaction))["entries"]
    assert entries == 20


async def test_an_import_can_be_repeated(store: LmdbStore) -> None:
    """The same item, time and type is the same event, whether it was imported or recorded."""
    await store.record_events([event("e", "a", at_ms=1)])
    user = ImportedUser("u", {"age": 30.0}, ["a", "b", "b"], [1, 2, 3], [EventType.VIEW.value] * 3)
    assert await store.import_users([user]) == 2
    assert await store.import_users([user, user]) == 0
    assert history(store) == ["a", "b", "b"]
    known = stored(store, "u")
    assert known is not None
    assert known.attributes == {"age": 30.0}


async def test_an_import_that_is_refused_changes_nothing(store: LmdbStore) -> None:
    """Neither its other users nor its events; the refusal names the user."""
    many: dict[str, str | float] = {f"a{number}": 1.0 for number in range(MAX_ATTRIBUTES)}
    await store.import_users([ImportedUser("u", many, [], [], [])])
    first = ImportedUser("v", {}, ["a"], [1], [EventType.VIEW])
    with pytest.raises(InvalidArgument) as refusal:
        await store.import_users([first, ImportedUser("u", {"one more": "x"}, ["a"], [1], [EventType.VIEW])])
    assert refusal.value.field == "users[1].attributes"
    assert store.read_now(["v"]) == [None]
    assert history(store) == []


async def test_a_refused_request_fails_alone(store: LmdbStore) -> None:
    """Those that share its transaction are recorded."""
    many: dict[str, str | float] = {f"a{number}": 1.0 for number in range(MAX_ATTRIBUTES + 1)}
    refused = store.import_users([ImportedUser("v", many, [], [], [])])
    results = await asyncio.gather(
        *(store.record_events([event(f"e{number}")]) for number in range(10)), refused, return_exceptions=True
    )
    assert results[:-1] == [Recorded(1, 0)] * 10
    assert isinstance(results[-1], InvalidArgument)
    assert len(history(store)) == 10


async def test_a_full_store_refuses_writes_and_goes_on_reading(tmp_path: Path) -> None:
    """Nothing of the refused request remains; once there is room again the same request succeeds."""
    import_request = [
        ImportedUser(f"v{number}", {}, ["x" * 200] * 100, list(range(100)), [EventType.VIEW] * 100)
        for number in range(200)
    ]
    with open_store(tmp_path, max_bytes=MIB) as store:
        await store.record_events([event("e", "kept")])
        with pytest.raises(StorageFull):
            await store.import_users(import_request)
        assert store.read_now([user.user_id for user in import_request]) == [None] * 200
        assert history(store) == ["kept"]
        assert await store.record_events([event("f", "small")]) == Recorded(1, 0)
    with open_store(tmp_path, max_bytes=256 * MIB) as store:
        assert await store.import_users(import_request) == 20_000
        assert history(store) == ["kept", "small"]


async def test_more_events_than_may_wait_are_refused(tmp_path: Path) -> None:
    """One large request is taken; what comes while it waits and does not fit beside it is told to come back."""
    with open_store(tmp_path, max_queued_events=10) as store:
        requests = [[event(f"{request}-{number}") for number in range(8)] for request in range(20)]
        results = await asyncio.gather(*map(store.record_events, requests), return_exceptions=True)
        taken = [result for result in results if result == Recorded(8, 0)]
        refused = [result for result in results if isinstance(result, Overloaded)]
        assert len(taken) + len(refused) == 20
        assert refused
        assert len(history(store)) == 8 * len(taken)


async def test_a_store_opened_again_remembers(tmp_path: Path) -> None:
    """Users and event ids alike."""
    with open_store(tmp_path) as store:
        await store.record_events([event("e", "a")])
    with open_store(tmp_path) as store:
        assert history(store) == ["a"]
        assert await store.record_events([event("e", "b")]) == Recorded(0, 1)


async def test_a_closed_store_refuses_writes(tmp_path: Path) -> None:
    """Rather than leave them waiting."""
    with open_store(tmp_path) as store:
        pass
    with pytest.raises(Unavailable):
        await store.record_events([event("e")])


async def test_a_reader_never_sees_half_of_a_request(tmp_path: Path) -> None:
    """Two users whose every event comes in one request always have as many events."""
    with open_store(tmp_path) as store:
        done = threading.Event()
        seen: list[tuple[int, int]] = []

        def read_until_done() -> None:
            while not done.is_set():
                user, other = (parts and parts.size for parts in store.read_now(["u", "v"]))
                seen.append((user or 0, other or 0))

        reader = threading.Thread(target=read_until_done)
        reader.start()
        for number in range(50):
            pair: list[Event] = [event(f"e{number}", user_id="u"), event(f"e{number}", user_id="v")]
            await store.record_events(pair)
        done.set()
        reader.join()
    assert all(user == other for user, other in seen)


async def test_bounds_hold_for_what_is_stored(tmp_path: Path) -> None:
    """The newest of each user stays."""
    with open_store(tmp_path, bounds=Bounds(history=3, seen=2)) as store:
        await store.record_events([event(f"e{number}", f"i{number}", at_ms=number) for number in range(6)])
        user = stored(store, "u", Bounds(history=3, seen=2))
    assert user is not None
    assert (user.history_items, sorted(user.seen_items)) == (["i3", "i4", "i5"], ["i4", "i5"])


class PanickingEnvironment:
    """An LMDB environment in which a failed write could not be undone, so that LMDB refuses all others.

    Args:
        environment: A sound one, which it reads from.
    """

    def __init__(self, environment: lmdb.Environment) -> None:
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environment, name)

    def begin(self, *, write: bool = False, **options: Any) -> lmdb.Transaction:
        """Begins to read, or fails to write as LMDB does."""
        if write:
            raise lmdb.PanicError("update of meta page failed")
        return self._environment.begin(**options)


async def test_a_store_that_broke_says_so(tmp_path: Path) -> None:
    """The caller may try again, and the process learns that it is to end, so that the next one opens the store."""
    with open_store_folder(tmp_path, MIB) as environment, open_log_folder(tmp_path, environment) as log:
        broken: Any = PanickingEnvironment(environment)
        with LmdbStore(broken, log, WIDE, event_window_ms=WEEK_MS, max_queued_events=10) as store:
            watching = asyncio.create_task(store.watch())
            with pytest.raises(Unavailable):
                await store.record_events([event("e")])
            with pytest.raises(StoreBroken, match="meta page"):
                await watching
            assert store.read_now(["u"]) == [None]


@pytest.mark.parametrize(
    ("error", "free_bytes", "full"),
    [
        (lmdb.MapFullError("mdb_put: MDB_MAP_FULL"), 1 << 40, True),
        (lmdb.DiskError("mdb_txn_commit: No space left on device"), 1 << 40, True),
        (lmdb.Error("mdb_txn_commit: Input/output error"), 0, True),
        (lmdb.Error("mdb_txn_commit: Input/output error"), 1 << 40, False),
        (lmdb.CorruptedError("mdb_get: MDB_CORRUPTED"), 0, False),
    ],
)
def test_a_full_disk_is_told_from_a_broken_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: lmdb.Error, free_bytes: int, full: bool
) -> None:
    """A write cut short by the end of the disk looks like a broken disk; the free space tells them apart."""
    status = os.statvfs_result((4096, 1, 0, 0, free_bytes, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _path: status)
    assert is_full(error, tmp_path) is full
