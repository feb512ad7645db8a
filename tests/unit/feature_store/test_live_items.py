"""Items that come and go between trainings: counted truthfully, numbered once, bounded, and followed from any version."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.feature_store.item_changes import Item, ItemChange
from services.feature_store.live_items import LiveItems
from services.feature_store.store_folder import open_store_folder
from shared.errors import TooManyLiveItems
from shared.event_log import read_log
from shared.event_log.records import ItemRecord
from tests.unit.feature_store.live_items import follow, items, open_live_items, rows_beside, snapshot_of
from tests.unit.feature_store.stores import MIB, Clock, open_store

#: A batch: ids with a title, or None to withdraw them.
Batch = tuple[str | None, list[str]]
batches: st.SearchStrategy[Batch] = st.tuples(
    st.one_of(st.none(), st.sampled_from(["old", "new"])),
    st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=4, unique=True),
)


async def test_the_counts_say_what_was_there_before(tmp_path: Path) -> None:
    """In the newest snapshot, or upserted before, withdrawn meanwhile or not."""
    snapshot = snapshot_of("known")
    with open_live_items(tmp_path) as live:
        live.load(snapshot)
        first = await live.upsert(items("known", "new", "newer"), snapshot)
        again = await live.upsert(items("new"), snapshot)
        assert (first.added, first.updated, first.version) == (2, 1, 3)
        assert (again.added, again.updated, again.version) == (0, 1, 4)
        gone = await live.withdraw(["known", "new", "unheard"], snapshot)
        assert (gone.withdrawn, gone.version) == (2, 7)
        assert (await live.withdraw(["known", "new", "unheard"], snapshot)).withdrawn == 0
        back = await live.upsert(items("known", "new", "unheard"), snapshot)
        assert (back.added, back.updated) == (1, 2)


async def test_a_change_counts_beside_snapshots_that_cannot_have_learnt_of_it(tmp_path: Path) -> None:
    """Those that lack the item, whenever made, and those that were made before."""
    clock = Clock(now_ms=2_000)
    before, after = snapshot_of("known", "other", created_ms=1_000), snapshot_of("known", created_ms=3_000)
    with open_live_items(tmp_path, clock=clock) as live:
        live.load(before)
        assert rows_beside(live, before) == {}
        await live.upsert(items("new", "known"), before)
        live.load(after)
        assert rows_beside(live, before) == {"new": 2, "known": 3}
        assert rows_beside(live, after) == {"new": 1}
    with open_live_items(tmp_path, clock=clock) as live:
        live.load(after)
        assert rows_beside(live, after) == {"new": 1}
        clock.now_ms = 4_000
        await live.withdraw(["known"], after)
        assert rows_beside(live, after) == {"new": 1, "known": 2}


async def test_a_clock_that_lags_behind_training_hides_no_change(tmp_path: Path) -> None:
    """What is acknowledged counts beside the newest snapshot, whenever that says that it was made."""
    snapshot = snapshot_of("known", created_ms=1_000_000)
    with open_live_items(tmp_path, clock=Clock(now_ms=5)) as live:
        live.load(snapshot)
        await live.upsert(items("known"), snapshot)
        assert rows_beside(live, snapshot) == {"known": 1}


async def test_more_items_than_fit_are_refused_until_a_snapshot_has_them(tmp_path: Path) -> None:
    """All or nothing; what is there may still be changed and withdrawn, and so may the snapshot's items."""
    snapshot = snapshot_of("known", "other")
    with open_live_items(tmp_path, limit=3) as live:
        live.load(snapshot)
        await live.upsert(items("a", "b"), snapshot)
        with pytest.raises(TooManyLiveItems, match="train a snapshot"):
            await live.upsert(items("c", "d"), snapshot)
        with pytest.raises(TooManyLiveItems):
            await live.withdraw(["nobody", "has", "these"], snapshot)
        assert len(live.changes(0, 10).changes) == 2
        await live.upsert(items("a", "b", "c"), snapshot)
        await live.withdraw(["a", "known", "other"], snapshot)
        trained = live.load(snapshot_of("known", "other", "b", "c", created_ms=9_000))
        await live.upsert(items("d", "e"), trained)


async def test_requests_side_by_side_cannot_exceed_the_limit_together(tmp_path: Path) -> None:
    """Each is checked against all that were acknowledged before it."""
    snapshot = snapshot_of()
    with open_live_items(tmp_path, limit=5) as live:
        live.load(snapshot)
        outcomes = await asyncio.gather(
            *(live.upsert(items(f"{call}-1", f"{call}-2"), snapshot) for call in range(6)), return_exceptions=True
        )
        assert sum(isinstance(outcome, TooManyLiveItems) for outcome in outcomes) == 4
        assert len(live.changes(0, 100).changes) == 4


async def test_what_an_item_says_is_kept(tmp_path: Path) -> None:
    """Every field of it, over a restart; of a withdrawn one the id alone."""
    snapshot = snapshot_of()
    item = Item("ü", False, "Ünder", ("a", "b"), {"year": 1964.0, "format": "paper"}, "words")
    with open_live_items(tmp_path) as live:
        live.load(snapshot)
        await live.upsert([item, *items("gone")], snapshot)
        await live.withdraw(["gone"], snapshot)
    with open_live_items(tmp_path) as live:
        kept, gone = live.changes(0, 10).changes
        assert kept == ItemChange(1, 0, 2_000, item)
        assert gone == ItemChange(3, 1, 2_001, Item("gone", withdrawn=True))
        assert live.is_up_to_date(3)


async def test_the_log_has_every_change_and_gives_it_back(tmp_path: Path) -> None:
    """A store that is made anew from its log has the same versions, numbers and times, and goes on from there."""
    snapshot = snapshot_of()
    item = Item("ü", False, "Ünder", ("a", "b"), {"year": 1964.0, "format": "paper"}, "words")
    with open_live_items(tmp_path) as live:
        live.load(snapshot)
        await live.upsert(items("a", "b"), snapshot)
        await live.withdraw(["a", "nobody"], snapshot)
        await live.upsert([item, *items("a", title="again")], snapshot)
        before = live.changes(0, 10)
    assert [record for _, record in read_log(tmp_path / "log")][2:5] == [
        ItemRecord("a", True, 2_001),
        ItemRecord("nobody", True, 2_000),
        ItemRecord("ü", False, 2_000, "Ünder", ("a", "b"), {"year": 1964.0, "format": "paper"}, "words"),
    ]
    (tmp_path / "data.mdb").unlink()
    with open_live_items(tmp_path) as live:
        live.load(snapshot)
        assert live.changes(0, 10) == before
        assert (await live.upsert(items("b"), snapshot)).version == 7


async def test_a_change_that_is_stored_is_not_replayed_again(tmp_path: Path) -> None:
    """A replay that begins too early changes neither versions nor what was said last."""
    snapshot = snapshot_of()
    with open_store(tmp_path) as store:
        live = LiveItems(store.item_changes, 10)
        live.load(snapshot)
        await live.upsert(items("a", title="old"), snapshot)
        await live.upsert(items("a", title="new"), snapshot)
    with open_store_folder(tmp_path, 256 * MIB) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"log_position", b"0", db=environment.open_db(b"meta", transaction))
    with open_store(tmp_path) as store:
        (change,) = LiveItems(store.item_changes, 10).changes(0, 10).changes
        assert (change.version, change.item.title) == (2, "new")


def test_a_follower_of_another_store_is_sent_back(tmp_path: Path) -> None:
    """A version that this store never gave is answered with one below it."""
    with open_live_items(tmp_path) as live:
        page = live.changes(17, 10)
        assert (page.changes, page.version, page.more) == ((), 0, False)


@given(st.lists(batches, max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_following_from_any_version_gives_the_same_state(history: Sequence[Batch], data: st.DataObject) -> None:
    """However often somebody asked, however small the pages, and whenever the store was opened anew."""
    snapshot = snapshot_of("a", "b", "c")
    model: dict[str, str | None] = {}
    numbers: dict[str, int] = {}
    followers: list[tuple[dict[str, ItemChange], int]] = [({}, 0)]

    async def change(path: Path, part: Sequence[Batch]) -> None:
        with open_live_items(path) as live:
            live.load(snapshot)
            for title, item_ids in part:
                if title is None:
                    await live.withdraw(item_ids, snapshot)
                else:
                    await live.upsert(items(*item_ids, title=title), snapshot)
                for item_id in item_ids:
                    model[item_id] = title
                    numbers.setdefault(item_id, len(numbers))
                state, version = data.draw(st.sampled_from(followers))
                state = dict(state)
                followers.append((state, follow(live, state, version, limit=data.draw(st.integers(1, 4)))))
            for state, version in followers:
                follow(live, state, version)

    cut = data.draw(st.integers(0, len(history)))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(change(Path(folder), history[:cut]))
        asyncio.run(change(Path(folder), history[cut:]))
    for state, _ in followers:
        assert {item_id: None if one.item.withdrawn else one.item.title for item_id, one in state.items()} == model
        assert {item_id: one.number for item_id, one in state.items()} == numbers
