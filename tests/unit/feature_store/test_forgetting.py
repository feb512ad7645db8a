"""Forgetting users: of them no byte is left in any file, of all others everything, whatever ends the process."""

import asyncio
import errno
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import lmdb
import numpy as np
import pytest

from services.feature_store import compaction, lmdb_erasure
from services.feature_store.compaction import COPY_FOLDER
from services.feature_store.events import Event, ImportedUser
from services.feature_store.item_changes import Item
from services.feature_store.item_write import ItemWrite
from services.feature_store.lmdb_store import LmdbStore
from services.feature_store.logged_commit import StoreBroken
from services.feature_store.pending_erasure import FILE
from services.feature_store.portrait import PLACES
from services.feature_store.user_record import Bounds
from shared.errors import StorageFull, Unavailable
from shared.event_log import EventLog
from shared.event_log.records import ExposureRecord
from shared.events import EventType
from tests.unit.feature_store.stores import event, open_store, stored

#: Whatever is of the user to be forgotten has this in it.
MARK = "zq7forget"
ANN = f"ann-{MARK}"
OTHERS = [f"user-{number}" for number in range(200)]
#: Small, so that records, tails and filters of all users come and go, and many pages with them.
TIGHT = Bounds(history=50, seen=20, filtered=100)


def of_ann(number: int) -> Event:
    """An event of the user to be forgotten, told by its item too."""
    return Event(f"{MARK}-{number}", ANN, f"item-{MARK}-{number}", EventType.VIEW, number, shown_by=f"r-{MARK}")


async def live(store: LmdbStore, rounds: int = 30) -> None:
    """Lets the user and many others do things, and writes what is written of users."""
    shuffled = random.Random(7)  # noqa: S311 - reproducible, not secret
    for number in range(rounds):
        some = shuffled.sample(OTHERS, 40)
        events = [event(f"{number}-{user_id}", f"item-{number}", number, user_id) for user_id in some]
        # Items that nobody else has would stay in the items' counters, which are of nobody in particular.
        mine = [Event(f"{MARK}-{number}", ANN, f"item-{number}", EventType.VIEW, number, shown_by=f"r-{MARK}")]
        await store.record_events([*events, *mine])
        attributes: dict[str, str | float] = {"city": f"{MARK}-{number}", "age": 30.0}
        await store.import_users([ImportedUser(ANN, attributes, [f"old-{number}"], [number], [1], number + 1)])
        await store.import_users(
            [ImportedUser(some[0], {"city": "Oslo"}, [f"old-{number}"], [number], [1], number + 1)]
        )
    await store.log_exposures([exposure(ANN), exposure("user-1"), exposure("")])


def exposure(user_id: str) -> ExposureRecord:
    """An answer that was shown to a user."""
    return ExposureRecord(f"r-{user_id}", user_id, "s", "", 1, ("item-1",), (1.0,), (1.0,), ("content",), (1,))


def files_with(folder: Path, mark: str = MARK) -> list[str]:
    """The files of a folder and below that have the mark in them."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and mark.encode() in path.read_bytes()
    ]


def everything_of(store: LmdbStore, user_ids: Sequence[str]) -> list[object]:
    """What is stored of users to the byte, and what the log has of them."""
    return [*store.read_now(user_ids), [list(store.tell_user(user_id)) for user_id in user_ids]]


async def test_ids_that_told_branches_of_a_tree_apart_are_gone_too(tmp_path: Path) -> None:
    """Each of many users is as likely as another to be one whose id LMDB copied out of the leaves."""
    many = [f"user-{number:05d}" for number in range(600)]
    with open_store(tmp_path) as store:
        for user_id in many:
            await store.import_users([ImportedUser(user_id, {"city": f"{user_id}-town", "age": 3.0}, ["a"], [1], [1])])
        forgotten = many[100:500:8]
        await asyncio.gather(*(store.forget_user(user_id) for user_id in forgotten))
        left = [user_id for user_id in forgotten if files_with(tmp_path, user_id)]
    assert left == []


async def test_no_file_has_a_byte_of_who_was_forgotten(tmp_path: Path) -> None:
    """Not on pages that are free, not in the log; of others every byte is what it was, before and after a restart."""
    with open_store(tmp_path, TIGHT) as store:
        await live(store)
        before = everything_of(store, OTHERS)
        assert {"data.mdb"} < set(files_with(tmp_path))
        receipt = await store.forget_user(ANN)
        assert files_with(tmp_path) == []
        assert store.read_now([ANN]) == [None]
        assert list(store.tell_user(ANN)) == []
        assert everything_of(store, OTHERS) == before
        assert not (tmp_path / COPY_FOLDER).exists()
    assert receipt == {
        "attributes": 2,
        "history": 50,
        "seen": 25,
        "counters": 1,
        "event_ids": 30,
        "log_events": 60,
        "log_exposures": 1,
        "log_attributes": 30,
    }
    assert list(receipt) == list(PLACES)
    with open_store(tmp_path, TIGHT) as store:
        assert everything_of(store, OTHERS) == before
    assert files_with(tmp_path) == []


async def test_a_user_nobody_knows_is_forgotten_with_a_receipt_of_zeros(tmp_path: Path) -> None:
    """So that asking twice is no error."""
    with open_store(tmp_path) as store:
        await store.record_events([event("1", user_id="user-1")])
        before = everything_of(store, ["user-1"])
        assert await store.forget_user(ANN) == dict.fromkeys(PLACES, 0)
        assert everything_of(store, ["user-1"]) == before


async def test_who_comes_back_is_somebody_new(tmp_path: Path) -> None:
    """Events of before may even come again: what is forgotten is not known to have been."""
    with open_store(tmp_path) as store:
        await store.record_events([of_ann(1)])
        await store.forget_user(ANN)
        assert (await store.record_events([of_ann(1)])).recorded == 1
        user = stored(store, ANN)
        assert user is not None
        assert user.history_items == [of_ann(1).item_id]
    with open_store(tmp_path) as store:
        assert stored(store, ANN) == user


async def test_writes_go_on_while_users_are_forgotten(tmp_path: Path) -> None:
    """Each acknowledged event is there in the end, in the databases and in the log; those who asked together share."""
    with open_store(tmp_path, max_queued_events=1_000_000) as store:
        await live(store, rounds=20)
        leaving = OTHERS[:6]

        async def write(number: int) -> None:
            await store.record_events([event(f"more-{number}", f"more-{number}", 10_000 + number, "writer")])

        async def write_all() -> None:
            for number in range(100):
                await write(number)

        receipts, _ = await asyncio.gather(asyncio.gather(*map(store.forget_user, leaving)), write_all())
        assert all(sum(receipt.values()) for receipt in receipts)
        writer = stored(store, "writer")
        assert writer is not None
        assert writer.history_items == [f"more-{number}" for number in range(100)]
        assert store.read_now(leaving) == [None] * len(leaving)
    with open_store(tmp_path) as store:
        assert stored(store, "writer") == writer
        assert len([place for place, _ in store.tell_user("writer") if place == "log_events"]) == 100


async def test_items_are_kept_and_can_be_changed_further(tmp_path: Path) -> None:
    """What was written of items is of nobody, and is written on in the new file."""
    write = ItemWrite(["i"], ["length"], np.array([[0.5]], np.float32), np.array([7]))

    async def upsert(item_id: str) -> None:
        await store.item_changes.change([Item(item_id, False, "Title")], 1, lambda: None, lambda _: None)

    def known() -> list[object]:
        items = [(item_id, item.names, item.numbers.tolist()) for item_id, item in store.items()]
        return [items, store.item_changes.changes(0, 10, 1 << 20)]

    with open_store(tmp_path) as store:
        await store.record_events([of_ann(1)])
        await store.write_items(write, lambda _: None)
        await upsert("first")
        before = known()
        await store.forget_user(ANN)
        assert known() == before
        await upsert("second")
        changes, _ = store.item_changes.changes(0, 10, 1 << 20)
        assert [change.item.item_id for change in changes] == ["first", "second"]
        after = known()
    with open_store(tmp_path) as store:
        assert known() == after


async def test_who_reads_goes_on_reading(tmp_path: Path) -> None:
    """One that began before the erasure ends in what it began with; one that begins after sees the new."""
    with open_store(tmp_path) as store:
        await live(store, rounds=3)
        with store._databases.read() as before, before.environment.begin() as transaction:
            await store.forget_user(ANN)
            assert transaction.get(ANN.encode(), db=before.handles["users"]) is not None
            assert store.read_now([ANN]) == [None]
        with pytest.raises(lmdb.Error):
            before.environment.begin()


#: What is called on the way of an erasure, in order. None is called by anything else after the store is open.
STEPS = (
    "services.feature_store.pending_erasure.PendingErasure.write",
    "shared.event_log.erasure._replace",
    "services.feature_store.lmdb_users.LmdbUsers.forget",
    "services.feature_store.lmdb_erasure.compact",
    "services.feature_store.compaction._sync_file",
    "services.feature_store.compaction._open_like",
    "services.feature_store.compaction.sync_folder",
    "services.feature_store.pending_erasure.PendingErasure.remove",
)


@pytest.mark.parametrize("step", STEPS)
async def test_an_erasure_whose_process_was_killed_is_finished_by_the_next(tmp_path: Path, step: str) -> None:
    """Wherever it was: once the store is open again, no file has a byte of the user, and others have all of theirs."""
    with open_store(tmp_path, TIGHT) as store:
        await live(store, rounds=10)
        before = everything_of(store, OTHERS)
    program = [sys.executable, "-m", "tests.unit.feature_store.forget_and_die", str(tmp_path), ANN, step]
    ended = await asyncio.to_thread(subprocess.run, program, check=False, capture_output=True, text=True)
    assert ended.returncode == 9, ended.stderr
    assert files_with(tmp_path) or step.endswith("remove")
    with open_store(tmp_path, TIGHT) as store:
        if step != STEPS[0]:  # before the note is written nothing was begun, and nobody was told that it was
            assert store.read_now([ANN]) == [None]
            assert files_with(tmp_path) == []
        assert everything_of(store, OTHERS) == before
        await store.forget_user(ANN)
    assert files_with(tmp_path) == []
    assert not (tmp_path / FILE).exists()


async def test_without_room_for_the_copy_nobody_is_told_that_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store goes on, and the next erasure, or the next start, finishes this one too."""

    def full(*_: object) -> lmdb.Environment:
        raise OSError(errno.ENOSPC, "No space left on device")

    with open_store(tmp_path) as store:
        await live(store, rounds=3)
        with monkeypatch.context() as patch:
            patch.setattr(lmdb_erasure, "compact", full)
            with pytest.raises(StorageFull):
                await store.forget_user(ANN)
        assert (await store.record_events([event("1", user_id="user-1")])).recorded == 1
        await store.forget_user("nobody")
        assert files_with(tmp_path) == []
    with open_store(tmp_path) as store:
        assert store.read_now([ANN]) == [None]


async def test_a_damaged_log_keeps_no_store_from_serving(tmp_path: Path) -> None:
    """Nobody is told that it is done until the log is mended; then it is."""
    with open_store(tmp_path) as store:
        await live(store, rounds=3)
    # What is damaged is not the end, which a crash may have left.
    with EventLog(tmp_path / "log", segment_bytes=1) as log:
        log.append([exposure("")])
    segment = min((tmp_path / "log").glob("*.log"))
    whole = segment.read_bytes()
    segment.write_bytes(whole[:20] + b"\0" + whole[21:])
    with open_store(tmp_path) as store, pytest.raises(Unavailable, match="damaged"):
        await store.forget_user(ANN)
    with open_store(tmp_path) as store:
        assert (await store.record_events([event("1", user_id="user-1")])).recorded == 1
    segment.write_bytes(whole)
    with open_store(tmp_path) as store:
        assert store.read_now([ANN]) == [None]
    assert files_with(tmp_path) == []


async def test_a_file_that_was_not_put_in_place_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of the two files is there is for the next process to see; this one takes no more writes."""

    def fail(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with open_store(tmp_path) as store:
        await live(store, rounds=3)
        with monkeypatch.context() as patch:
            patch.setattr(compaction, "sync_folder", fail)
            with pytest.raises(Unavailable):
                await store.forget_user(ANN)
        with pytest.raises(StoreBroken):
            await store.watch()
        with pytest.raises(Unavailable):
            await store.record_events([event("1", user_id="user-1")])
    with open_store(tmp_path) as store:
        assert files_with(tmp_path) == []


async def test_a_user_is_told_everything_that_is_remembered(tmp_path: Path) -> None:
    """What is stored, then what the log has, oldest first; nothing of users whose id only contains it."""
    with open_store(tmp_path) as store:
        await store.import_users([ImportedUser(ANN, {"city": "Oslo"}, ["old"], [5], [1], 7)])
        await store.record_events([event("1", "new", 9, ANN, EventType.LIKE), event("2", "x", 9, f"{ANN}a")])
        await store.log_exposures([exposure(ANN)])
        told = list(store.tell_user(ANN))
    assert told[:5] == [
        ("attributes", {"name": "city", "value": "Oslo", "written_at_ms": 7}),
        ("history", {"item_id": "old", "at_ms": 5, "type": "view"}),
        ("history", {"item_id": "new", "at_ms": 9, "type": "like"}),
        ("seen", {"item_id": "old", "at_ms": 5}),
        ("seen", {"item_id": "new", "at_ms": 9}),
    ]
    counters = {record["type"]: (record["count"], record["weight"]) for place, record in told if place == "counters"}
    assert counters.keys() == {"view", "like"}
    assert counters["like"][1] == pytest.approx(3 * counters["like"][0])
    assert [place for place, _ in told if place.startswith("log_")] == [
        "log_attributes",
        "log_events",
        "log_events",
        "log_exposures",
    ]
    assert {record["user_id"] for place, record in told if place.startswith("log_")} == {ANN}
