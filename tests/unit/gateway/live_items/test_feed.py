"""Following the changes: what counts is what the store told last, as long as it is away."""

import asyncio

from services.gateway.degradation import Reason
from services.gateway.live_items.changes import ChangePage
from services.gateway.live_items.feed import ItemFeed
from services.gateway.snapshot import GatewaySnapshot
from tests.unit.gateway.fakes import plain_items, snapshot_of
from tests.unit.gateway.live_items.items import FakeItemStore, upserted, withdrawn


class Held:
    """The snapshots that are held."""

    def __init__(self, *snapshots: GatewaySnapshot) -> None:
        self.snapshots = {one.id: one for one in snapshots}

    @property
    def ids(self) -> list[str]:
        """The ids of the snapshots."""
        return list(self.snapshots)

    def get(self, snapshot_id: str) -> GatewaySnapshot:
        """Returns the snapshot of an id."""
        return self.snapshots[snapshot_id]


def titles(snapshot: GatewaySnapshot) -> dict[str, str]:
    """Returns the title of each item."""
    return {item.id: item.title for item in snapshot.catalogue}


async def test_changes_count_beside_every_snapshot_once_they_are_read() -> None:
    """However many pages they take; what was built is not built again."""
    one, two = snapshot_of(plain_items(2), "one"), snapshot_of(plain_items(3), "two")
    store = FakeItemStore()
    feed = ItemFeed(store, Held(one, two), 60)
    await feed.catch_up()
    assert feed.beside(one) is one
    for number in range(5):
        store.put(upserted(number, f"new{number}", title=str(number)))
    store.put(withdrawn(5, "i1"))
    await feed.catch_up()
    new = {f"new{number}": str(number) for number in range(5)}
    assert titles(feed.beside(one)) == {"i0": "Title 0"} | new
    assert titles(feed.beside(two)) == {"i0": "Title 0", "i2": "Title 2"} | new
    assert feed.beside(two) is feed.beside(two)
    assert store.asked == [0, 0, 2, 4]


async def test_a_snapshot_that_is_loaded_later_has_the_changes_too() -> None:
    """From the first request on, and also when it is loaded a second time."""
    store, held = FakeItemStore(), Held()
    store.put(withdrawn(0, "i1"))
    feed = ItemFeed(store, held, 60)
    await feed.catch_up()
    for _ in range(2):
        later = snapshot_of(plain_items(2), "later")
        assert titles(feed.beside(later)) == {"i0": "Title 0"}
        assert feed.beside(later).items == 2


async def test_what_is_known_counts_while_the_store_is_away() -> None:
    """A withdrawn item does not come back because nobody can be asked; the first answer brings what was missed."""
    snapshot, store = snapshot_of(plain_items(2)), FakeItemStore()
    feed = ItemFeed(store, Held(snapshot), 60)
    store.failure = Reason.UNAVAILABLE
    await feed.catch_up()
    assert feed.asked.is_set()
    assert feed.beside(snapshot) is snapshot
    store.failure = None
    store.put(withdrawn(0, "i1"))
    await feed.catch_up()
    store.failure = Reason.UNAVAILABLE
    store.put(upserted(1, "new"))
    await feed.catch_up()
    assert titles(feed.beside(snapshot)) == {"i0": "Title 0"}
    store.failure = None
    await feed.catch_up()
    assert titles(feed.beside(snapshot)) == {"i0": "Title 0", "new": "changed"}


async def test_another_store_is_read_anew() -> None:
    """What the former one told is forgotten, and only then."""
    snapshot, store = snapshot_of(plain_items(2)), FakeItemStore()
    feed = ItemFeed(store, Held(snapshot), 60)
    for number in range(3):
        store.put(upserted(number, f"old{number}"))
    await feed.catch_up()
    store.changes.clear()
    store.put(upserted(0, "other"))
    await feed.catch_up()
    assert set(titles(feed.beside(snapshot))) == {"i0", "i1", "other"}
    store.changes.clear()
    await feed.catch_up()
    assert feed.beside(snapshot) is snapshot


async def test_who_asks_sees_all_that_was_there_before_and_shares_with_others() -> None:
    """Many who ask at once cost two questions: one that was under way, and one for all of them."""
    snapshot = snapshot_of(plain_items(2))
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow(FakeItemStore):
        async def list_item_changes(self, after: int, budget: float) -> ChangePage:
            answer = await super().list_item_changes(after, budget)
            begun.set()
            await go_on.wait()
            return answer

    store = Slow()
    feed = ItemFeed(store, Held(snapshot), 60)
    first = asyncio.create_task(feed.catch_up())
    await begun.wait()
    store.put(upserted(0, "new"))  # after the question that is under way was answered
    others = [asyncio.create_task(feed.catch_up()) for _ in range(5)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, *others)
    assert "new" in titles(feed.beside(snapshot))
    assert len(store.asked) == 2


async def test_a_change_that_cannot_be_used_changes_nothing() -> None:
    """Whatever it breaks, what is known goes on to count, and the next answer that can be used is taken in."""
    snapshot, store = snapshot_of(plain_items(2)), FakeItemStore()
    feed = ItemFeed(store, Held(snapshot), 60)
    store.put(withdrawn(0, "i1"))
    await feed.catch_up()
    store.put(upserted(-7, "broken"))
    await feed.catch_up()
    assert titles(feed.beside(snapshot)) == {"i0": "Title 0"}
    store.put(upserted(1, "broken", title="whole"))
    await feed.catch_up()
    assert titles(feed.beside(snapshot)) == {"i0": "Title 0", "broken": "whole"}
