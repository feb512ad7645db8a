"""Writing items: on disk, then counting here, then answered; every failure has its own word."""

import pytest

from services.gateway.degradation import Reason
from services.gateway.live_items.changes import NewItem
from services.gateway.live_items.feed import ItemFeed
from services.gateway.live_items.writing import ItemWriter
from services.gateway.run import Deadline
from shared.errors import DeadlineExceeded, Overloaded, TooManyLiveItems, Unavailable, WinnowError
from tests.unit.gateway.fakes import plain_items, snapshot_of
from tests.unit.gateway.live_items.items import FakeItemStore
from tests.unit.gateway.live_items.test_feed import Held

SNAPSHOT = snapshot_of(plain_items(2))


def writer(store: FakeItemStore) -> tuple[ItemWriter, ItemFeed]:
    """Returns a writer, and the feed that it tells."""
    feed = ItemFeed(store, Held(SNAPSHOT), 60)
    return ItemWriter(store, feed, budget=1.0), feed


async def test_an_upserted_item_counts_when_the_call_returns() -> None:
    """Whoever waits for the answer sees it in the next."""
    store = FakeItemStore()
    items, feed = writer(store)
    assert await items.upsert([NewItem("new", "New")], Deadline(1.0)) == (1, 0)
    assert feed.beside(SNAPSHOT).catalogue.row_of("new") == 2
    assert await items.withdraw(["new"], Deadline(1.0)) == 1
    assert store.withdrawn == ["new"]


@pytest.mark.parametrize(
    ("reason", "kind", "error"),
    [
        (Reason.OVERLOADED, "TOO_MANY_LIVE_ITEMS", TooManyLiveItems),
        (Reason.OVERLOADED, "OVERLOADED", Overloaded),
        (Reason.UNAVAILABLE, "", Unavailable),
        (Reason.ERROR, "", Unavailable),
        (Reason.DEADLINE, "", Unavailable),
    ],
)
async def test_a_failure_says_what_to_do(reason: Reason, kind: str, error: type[WinnowError]) -> None:
    """Training helps against one of them, waiting against the others."""
    items, _ = writer(FakeItemStore(failure=reason, kind=kind))
    with pytest.raises(error):
        await items.upsert([NewItem("new", "New")], Deadline(1.0))
    with pytest.raises(error):
        await items.withdraw(["new"], Deadline(1.0))


async def test_nothing_is_sent_on_when_the_caller_has_gone() -> None:
    """The deadline passed, and nothing was changed."""
    store = FakeItemStore()
    items, _ = writer(store)
    with pytest.raises(DeadlineExceeded):
        await items.upsert([NewItem("new", "New")], Deadline(-1.0))
    assert store.upserted == []
