"""A data set that goes on where a log takes over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from services.training.datasets import Dataset, DatasetError, Interactions, Item, User
from services.training.offline.backfill import backfill
from services.training.offline.continuation import Continued, continue_dataset
from services.training.offline.store import OfflineStore
from shared.event_log.records import Record
from shared.events import EventType
from shared.feature_views import parse_views
from tests.unit.training.offline.records import attributes, event, item, log_of

_EXPIRING = """
[[views]]
name = "mood"
entity = "user"
ttl = "1s"
fields = [{ name = "mood", kind = "categorical" }]
"""


def _dataset() -> Dataset:
    return Dataset.build(
        name="shop",
        items=[Item(name, name.upper(), (), "", {}) for name in "abc"],
        users=[User("u1", {"age": 30.0, "mood": "calm"}), User("u2", {})],
        interactions=Interactions.build(
            users=[0, 0, 1], items=[0, 1, 2], timestamps=[1_000, 2_000, 1_500], types=[1, 2, 1]
        ),
    )


def _continued(folder: Path, records: Sequence[Record], dataset: Dataset | None = None) -> Continued:
    store = OfflineStore(folder)
    backfill(store, log_of(records))
    return continue_dataset(dataset, store)


def _histories(dataset: Dataset) -> dict[str, str]:
    return {
        user.id: "".join(dataset.items[row].id for row in items)
        for user, items in zip(dataset.users, dataset.histories(), strict=True)
    }


def test_an_empty_log_changes_nothing(tmp_path: Path) -> None:
    """The first training after a data set was imported is that of the data set."""
    before = _dataset()
    after = _continued(tmp_path, [], before).dataset
    assert (after.items, after.users, after.name) == (before.items, before.users, before.name)
    for column in ("users", "items", "timestamps", "liked", "viewed", "types"):
        assert getattr(after.interactions, column).tolist() == getattr(before.interactions, column).tolist()
    assert after.interactions.timed


def test_events_join_the_histories_in_the_order_of_their_times(tmp_path: Path) -> None:
    """Also of users nobody knew, and also those that came late; impressions and unknown items do not."""
    records: list[Record] = [
        event("u1", "c", 3_000, EventType.CLICK),
        event("new", "a", 3_100),
        event("u2", "a", 1_200),
        event("u1", "a", 3_500, EventType.IMPRESSION),
        event("u1", "nowhere", 3_600),
        event("u2", "b", 4_000, EventType.DISLIKE),
    ]
    continued = _continued(tmp_path, records, _dataset())
    assert _histories(continued.dataset) == {"u1": "abc", "u2": "ac", "new": "a"}
    assert continued.sizes["events from the log"] == 4
    disliked = continued.dataset.interactions.types == EventType.DISLIKE
    assert continued.dataset.interactions.viewed[disliked].tolist() == [False]
    assert continued.dataset.interactions.liked[disliked].tolist() == [False]


def test_events_that_were_imported_into_the_store_count_once(tmp_path: Path) -> None:
    """The log has the data set's past as views, whatever they were; and a repeated event is one event."""
    records: list[Record] = [
        event("u1", "a", 1_000),
        event("u1", "b", 2_000),  # a click in the data set
        event("u2", "b", 5_000, EventType.CLICK, event_id="one"),
        event("u2", "b", 5_000, EventType.CLICK, event_id="two"),
    ]
    continued = _continued(tmp_path, records, _dataset())
    assert len(continued.dataset.interactions) == 4
    assert continued.sizes["events from the log"] == 1


def test_what_follows_straight_on_a_meeting_is_part_of_it(tmp_path: Path) -> None:
    """A click, the reading and the like are one step of a history, and three events to count."""
    records: list[Record] = [
        event("u1", "c", 3_000, EventType.CLICK),
        event("u1", "c", 3_001, EventType.DWELL, dwell=40),
        event("u1", "c", 3_002, EventType.LIKE),
        event("u1", "a", 3_003, EventType.CLICK),
        event("u1", "c", 3_004, EventType.CLICK),
    ]
    dataset = _continued(tmp_path, records, _dataset()).dataset
    assert _histories(dataset)["u1"] == "abcac"
    assert dataset.interactions.types[:7].tolist() == [1, 2, 2, 7, 3, 2, 2]


def test_the_last_change_of_an_item_counts(tmp_path: Path) -> None:
    """Upserted items join or are replaced; withdrawn ones leave with their events; a later one of the data set stays."""
    records: list[Record] = [
        item("b", 5_000, withdrawn=True),
        item("d", 5_100, year=1999),
        item("a", 5_200, year=2001),
        item("e", 5_300),
        item("e", 5_400, withdrawn=True),
        item("c", 5_500, withdrawn=True),
        event("u2", "d", 6_000),
    ]
    before = _dataset()
    newer = replace(before.items[2], updated_ms=9_000)
    before = replace(before, items=(*before.items[:2], newer))
    continued = _continued(tmp_path, records, before)
    items = continued.dataset.items
    assert [one.id for one in items] == ["a", "c", "d"]
    assert (items[0].title, dict(items[0].attributes), items[0].updated_ms) == ("Title of a", {"year": 2001.0}, 5_200)
    assert items[1] is newer
    assert _histories(continued.dataset) == {"u1": "a", "u2": "cd"}
    assert (continued.sizes["items from the log"], continued.sizes["items withdrawn"]) == (1, 1)


def test_attributes_are_those_of_now(tmp_path: Path) -> None:
    """The value written last wins, whichever came last; what has outlived its time to live is missing."""
    records: list[Record] = [
        attributes("u1", {"age": 31.0, "mood": "merry"}, 4_000),
        attributes("u1", {"age": 29.0}, 500),
        attributes("u2", {"mood": "sour"}, 9_500),
        attributes("new", {"age": 5.0}, 100),
        event("u1", "c", 10_000),
    ]
    dataset = replace(_dataset(), declared_views=parse_views(_EXPIRING))
    users = {user.id: dict(user.attributes) for user in _continued(tmp_path, records, dataset).dataset.users}
    assert users == {"u1": {"age": 31.0}, "u2": {"mood": "sour"}, "new": {"age": 5.0}}


def test_a_log_alone_is_a_data_set(tmp_path: Path) -> None:
    """A shop that began with nothing trains on what it upserted and what was done with it."""
    records: list[Record] = [
        item("a", 1),
        item("b", 2),
        event("u1", "a", 10),
        event("u1", "b", 11),
        event("u2", "b", 12),
    ]
    dataset = _continued(tmp_path, records).dataset
    assert (dataset.name, [one.id for one in dataset.items]) == ("log", ["a", "b"])
    assert _histories(dataset) == {"u1": "ab", "u2": "b"}


def test_a_log_without_items_says_that_it_is_too_little(tmp_path: Path) -> None:
    """Events alone tell nothing of a catalogue."""
    with pytest.raises(DatasetError, match="0 items are too few"):
        _continued(tmp_path, [event("u1", "a", 10)])
