"""One user's history and seen items: ordered by event time, bounded, the same however the events were grouped."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feature_store.stored_user import PastEvent, decode_user, encode_user
from services.feature_store.user_record import MAX_ATTRIBUTES, Bounds, UserRecord
from shared.errors import InvalidArgument
from shared.events import HISTORY_TYPES, SEEN_TYPES, EventType

WIDE = Bounds(history=100, seen=100)

#: Of a record that spills a quarter of four.
NARROW = Bounds(history=100, seen=4)

past_events = st.builds(
    PastEvent,
    at_ms=st.integers(0, 8),
    item_id=st.sampled_from("abcdef"),
    type=st.sampled_from(EventType),
    dwell_seconds=st.just(0.0),
)
narrow_bounds = st.builds(
    Bounds, history=st.integers(1, 5), seen=st.integers(1, 5), filtered=st.just(100), half_life_ms=st.just(10.0)
)


def view(item_id: str, at_ms: int) -> PastEvent:
    """Returns a view."""
    return PastEvent(at_ms, item_id, EventType.VIEW)


def recorded(*events: PastEvent, bounds: Bounds = WIDE) -> UserRecord:
    """Returns a record of events that were all new, each told alone."""
    record = UserRecord()
    for event in events:
        record.record([event], bounds)
    return record


def pieces(events: list[PastEvent], cuts: list[int]) -> Iterator[list[PastEvent]]:
    """Cuts events into pieces, in order."""
    edges = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
    return (events[start:stop] for start, stop in pairwise(edges))


def test_an_event_that_arrives_late_takes_its_place_in_time() -> None:
    """The history is in the order of event time, whatever the order of arrival."""
    assert recorded(view("a", 10), view("c", 30), view("b", 20)).history_items == ["a", "b", "c"]


def test_events_of_the_same_time_stay_in_the_order_of_arrival() -> None:
    """Ties are stable, within a batch and across batches."""
    record = recorded(view("b", 10), view("a", 10))
    record.record([view("d", 10), view("c", 10)], WIDE)
    assert record.history_items == ["b", "a", "d", "c"]


def test_an_item_comes_as_often_as_there_are_events() -> None:
    """Watching something twice is two items of history and one seen item."""
    record = recorded(view("a", 1), view("a", 1), view("a", 2))
    assert (record.history_items, record.seen) == (["a", "a", "a"], {"a": 2})


def test_a_dislike_is_seen_and_does_not_join_the_history() -> None:
    """What a user disliked is not shown again, and nothing like it is sought."""
    record = recorded(PastEvent(5, "a", EventType.DISLIKE), view("b", 6))
    assert (record.history_items, record.seen) == (["b"], {"a": 5, "b": 6})


def test_the_newest_history_is_kept() -> None:
    """By event time: an event older than a full history changes nothing of it."""
    record = recorded(view("a", 10), view("b", 20), view("c", 30), view("late", 5), bounds=Bounds(2, 100))
    assert (record.history_items, list(record.history_times)) == (["b", "c"], [20, 30])


def test_the_items_seen_last_are_kept() -> None:
    """Seeing an item again makes it young; the others go on into the filter, the one seen longest ago first."""
    events = [view("a", 10), view("b", 20), view("c", 25), view("a", 30), view("d", 40), view("e", 50), view("f", 60)]
    record = recorded(*events, bounds=NARROW)
    assert record.seen == {"a": 30, "d": 40, "e": 50, "f": 60}
    assert (record.spilled, record.spilled_until) == (["b", "c"], (25, "c"))


def test_what_is_older_than_all_that_went_on_goes_on_at_once() -> None:
    """A late event does not make an item one of those seen last."""
    record = recorded(*(view(item, at_ms) for at_ms, item in enumerate("abcdef")), view("late", 0), bounds=NARROW)
    assert sorted(record.seen) == ["c", "d", "e", "f"]
    assert record.spilled == ["a", "b", "late"]


def test_an_impression_changes_the_counters_alone() -> None:
    """Being shown something is neither seeking it nor having seen it."""
    record = recorded(PastEvent(5, "a", EventType.IMPRESSION))
    assert (record.history_items, record.seen) == ([], {})
    assert record.counters


def test_attributes_replace_those_of_the_same_name() -> None:
    """The others stay."""
    record = UserRecord()
    record.set_attributes({"age": 30.0, "gender": "F"}, 1, "attributes")
    assert record.set_attributes({"age": 31.0}, 1, "attributes") == {"age": 31.0}
    assert record.attributes == {"age": 31.0, "gender": "F"}


def test_a_late_attribute_never_replaces_a_newer_one() -> None:
    """Name by name; what was written is told."""
    record = UserRecord()
    record.set_attributes({"age": 30.0}, 10, "attributes")
    assert record.set_attributes({"age": 29.0, "gender": "F"}, 9, "attributes") == {"gender": "F"}
    assert record.attributes == {"age": 30.0, "gender": "F"}
    assert record.attribute_times == {"age": 10, "gender": 9}


def test_attributes_are_bounded_together_with_those_stored() -> None:
    """Imports of ever new names must not grow a user for ever; the refusal names the field and changes nothing."""
    record = UserRecord()
    record.set_attributes({f"a{number}": 1.0 for number in range(MAX_ATTRIBUTES)}, 1, "attributes")
    record.set_attributes({"a0": 2.0}, 1, "attributes")
    with pytest.raises(InvalidArgument, match="65 attributes") as refusal:
        record.set_attributes({"new": 1.0}, 2, "users[3].attributes")
    assert refusal.value.field == "users[3].attributes"
    assert "new" not in record.attributes


def test_merging_tells_how_many_events_were_new() -> None:
    """The same item at another time, or of another type, is another event."""
    record = recorded(view("a", 1))
    again = [view("a", 1), view("a", 1), view("a", 2), PastEvent(1, "a", EventType.LIKE), view("b", 1)]
    assert len(record.merge(again, WIDE)) == 3
    assert record.history_items == ["a", "a", "b", "a"]


def test_what_a_full_history_dropped_is_not_new_when_it_is_merged_again() -> None:
    """Even among events of one time, where nothing tells the dropped ones from those that stayed."""
    past = [view(item, 10) for item in "abcd"]
    record = UserRecord()
    assert len(record.merge(past, Bounds(2, 2))) == 4
    before = record.stored
    assert record.merge(past, Bounds(2, 2)) == []
    assert record.stored == before


@given(st.lists(past_events), st.lists(st.integers(1, 20)), narrow_bounds)
def test_how_events_are_grouped_makes_no_difference(events: list[PastEvent], cuts: list[int], bounds: Bounds) -> None:
    """One batch or many: the history is the same, and so is what is known to be seen, one by one or by the filter."""
    together, apart = UserRecord(), UserRecord()
    together.record(events, bounds)
    for piece in pieces(events, cuts):
        apart.record(piece, bounds)
    assert apart.stored.history_items == together.stored.history_items
    assert {*apart.seen, *apart.spilled} == {*together.seen, *together.spilled}


@given(st.lists(past_events), narrow_bounds)
def test_the_record_is_what_sorting_everything_would_give(events: list[PastEvent], bounds: Bounds) -> None:
    """The bounded record, kept event by event, equals the newest part of all that ever happened."""
    record = recorded(*events, bounds=bounds)
    history = sorted((event for event in events if event.type in HISTORY_TYPES), key=lambda event: event.at_ms)
    seen = {event.item_id: event.at_ms for event in sorted(events) if event.type in SEEN_TYPES}
    kept = zip(record.history_times, record.history_items, record.history_types, strict=True)
    assert [PastEvent(*event) for event in kept] == history[-bounds.history :]
    newest = dict(sorted(seen.items(), key=lambda item: (item[1], item[0]))[-bounds.seen :])
    assert newest.items() <= record.seen.items() <= seen.items()
    assert len(record.seen) <= bounds.most_seen
    assert {*record.seen, *record.spilled} == seen.keys()


@given(st.lists(past_events), st.lists(past_events), st.lists(past_events), narrow_bounds)
def test_merging_twice_is_merging_once(
    before: list[PastEvent], imported: list[PastEvent], between: list[PastEvent], bounds: Bounds
) -> None:
    """Whatever the bounds dropped, and whatever was recorded in between."""
    record = UserRecord()
    record.record(before, bounds)
    record.merge(imported, bounds)
    record.record(between, bounds)
    once = record.stored
    assert record.merge(imported, bounds) == []
    assert record.stored == once


@given(st.lists(past_events), st.dictionaries(st.text(max_size=5), st.text() | st.floats(allow_nan=False)))
def test_a_record_survives_storing(events: list[PastEvent], attributes: dict[str, str | float]) -> None:
    """What is read back is what was stored."""
    record = UserRecord()
    record.set_attributes(attributes, 5, "attributes")
    record.record(events, WIDE)
    assert UserRecord.of(decode_user(encode_user(record.stored))) == record
