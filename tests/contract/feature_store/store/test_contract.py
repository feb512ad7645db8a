"""What every store promises, whatever it is made of."""

import asyncio
import random
from typing import Any

import numpy as np
import pytest

from services.feature_store.decayed_counters import read_counts
from services.feature_store.events import ImportedUser, Recorded
from services.feature_store.item_write import ItemWrite, WrittenItems
from services.feature_store.stored_user import PastEvent
from services.feature_store.user_record import UserRecord
from shared.errors import InvalidArgument
from shared.event_log.records import ExposureRecord
from shared.events import EventType
from tests.contract.feature_store.store.conftest import Open
from tests.contract.feature_store.store.opened import BOUNDS, NOW_MS, AnyStore, event, read_all


async def history(store: AnyStore, user_id: str = "u") -> list[str]:
    """Returns the items in a user's history."""
    (user,) = await read_all(store, [user_id])
    return [] if user is None else user.history_items


async def test_the_next_read_sees_what_was_acknowledged(open_store: Open) -> None:
    """In the order of event time; nobody else is known."""
    async with open_store() as store:
        for number in (2, 0, 1):
            await store.record_events([event(f"e{number}", f"i{number}", at_ms=number)])
        assert await history(store) == ["i0", "i1", "i2"]
        assert await store.read(["stranger", ""]) == [None, None]


async def test_an_event_sent_again_counts_once(open_store: Open) -> None:
    """Within a request, across requests, at once, and after the store was opened again."""
    async with open_store() as store:
        assert await store.record_events([event("e"), event("e"), event("f")]) == Recorded(2, 1)
        outcomes = await asyncio.gather(*(store.record_events([event("g")]) for _ in range(20)))
        assert sum(outcome.recorded for outcome in outcomes) == 1
    async with open_store() as store:
        assert await store.record_events([event("e"), event("g"), event("h")]) == Recorded(1, 2)
        assert await history(store) == ["i"] * 4


async def test_writers_at_once_lose_nothing_of_each_other(open_store: Open) -> None:
    """All write to the same users, each with events and attributes of its own."""
    async with open_store() as store:
        recording = (
            store.record_events([event(f"{number}", f"i{number}", at_ms=number, user_id=user) for user in "uv"])
            for number in range(30)
        )
        importing = (
            store.import_users([ImportedUser("u", {f"a{number}": 1.0}, [], [], [], 5)]) for number in range(10)
        )
        await asyncio.gather(*recording, *importing)
        users = await read_all(store, ["u", "v"])
    assert [user and user.history_items for user in users] == [[f"i{number}" for number in range(30)]] * 2
    assert users[0] is not None
    assert users[0].attributes == {f"a{number}": 1.0 for number in range(10)}


async def test_a_long_past_is_remembered_as_a_record_of_it_would_be(open_store: Open) -> None:
    """However often what is stored was folded on the way: history, counters, and seen items."""
    chooser = random.Random(3)  # noqa: S311 - reproducible, not secret
    types = list(EventType)[:5]
    events = [
        event(f"{number}", f"i{chooser.randrange(80)}", chooser.randrange(5_000), kind=chooser.choice(types))
        for number in range(600)
    ]
    async with open_store() as store:
        for start in range(0, len(events), 7):
            await store.record_events(events[start : start + 7])
    async with open_store() as store:
        (user,) = await read_all(store, ["u"])
    record = UserRecord()
    record.record([PastEvent(one.at_ms, one.item_id, one.type) for one in events], BOUNDS)
    assert user is not None
    assert user.history_items == record.history_items
    assert len(user.seen_items) >= BOUNDS.seen
    counts = [read_counts(counters, NOW_MS, BOUNDS.half_life_ms) for counters in (user.counters, record.counters)]
    assert counts[0] == pytest.approx(counts[1])


async def test_an_import_can_be_repeated_and_a_late_attribute_is_left_out(open_store: Open) -> None:
    """By item, time and type of events, and by the time at which attributes were written."""
    user = ImportedUser("u", {"age": 30.0}, ["a", "b"], [1, 2], [1, 3], 10)
    async with open_store() as store:
        assert await store.import_users([user]) == 2
        assert await store.import_users([user, user]) == 0
        await store.import_users([ImportedUser("u", {"age": 29.0, "sex": "F"}, [], [], [], 9)])
        (stored,) = await read_all(store, ["u"])
    assert stored is not None
    assert stored.attributes == {"age": 30.0, "sex": "F"}


async def test_an_import_that_is_refused_changes_nothing(open_store: Open) -> None:
    """Neither the users before the one that has too much."""
    many: dict[str, str | float] = {f"a{number}": 1.0 for number in range(65)}
    async with open_store() as store:
        with pytest.raises(InvalidArgument, match=r"users\[1\].attributes"):
            await store.import_users([ImportedUser("v", {}, ["a"], [1], [1]), ImportedUser("u", many, [], [], [])])
        assert await store.read(["u", "v"]) == [None, None]


async def test_items_are_counted_by_what_was_done_with_them(open_store: Open) -> None:
    """Once for each event that was new."""
    async with open_store() as store:
        await store.record_events([event("1", "a", NOW_MS), event("2", "a", NOW_MS), event("2", "a", NOW_MS)])
        await store.record_events([event("3", "a", NOW_MS, user_id="v", kind=EventType.LIKE)])
        counters: Any = await store.read_item_counters(["a", "nothing"])
    counts = [read_counts(encoded, NOW_MS, BOUNDS.half_life_ms) for encoded in counters]
    assert counts == [{EventType.VIEW: pytest.approx(2.0), EventType.LIKE: pytest.approx(1.0)}, {}]


async def test_of_an_item_feature_the_newest_value_stays(open_store: Open) -> None:
    """Whatever order writes come in; what is written is published once, in the order in which it was stored."""
    published: list[WrittenItems] = []
    async with open_store() as store:
        for number, at_ms in ((1.0, 20), (2.0, 10), (3.0, 30)):
            values = np.array([[number]], np.float32)
            await store.write_items(ItemWrite(["a"], ["price"], values, np.array([at_ms])), published.append)
        assert [bool(one.written.all()) for one in published] == [True, False, True]
    async with open_store() as store:
        ((item_id, item),) = list(store.items())
    assert (item_id, item.names, item.times_ms.tolist(), item.numbers.tolist()) == ("a", ["price"], [30], [3.0])


async def test_exposures_are_taken(open_store: Open) -> None:
    """They change nothing that is read."""
    exposure = ExposureRecord("r", "u", "s", "", 7, ("a",), (1.0,), (0.5,), ("content",), (1,))
    async with open_store() as store:
        await store.log_exposures([exposure])
        assert await store.read(["u"]) == [None]
