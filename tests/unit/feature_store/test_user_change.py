"""How a user's bytes change: little is written for an event, and what is folded late comes to the same as at once."""

from hypothesis import given
from hypothesis import strategies as st

from services.feature_store.seen_filter import may_have_seen
from services.feature_store.stored_user import PastEvent, UserParts, decode_tail, decode_user, has_spilled
from services.feature_store.user_change import MAX_TAIL_BYTES, NEW_USER, add_events, fold, import_user, remembered
from services.feature_store.user_record import Bounds, UserRecord
from shared.events import SEEN_TYPES, EventType

BOUNDS = Bounds(history=6, seen=4, filtered=1_000, half_life_ms=1e9)

past_events = st.builds(
    PastEvent,
    at_ms=st.integers(0, 50),
    item_id=st.sampled_from("abcdefghijkl"),
    type=st.sampled_from(EventType),
    dwell_seconds=st.just(0.0),
)


def views(start: int, stop: int) -> list[PastEvent]:
    """Returns views of ever new items."""
    return [PastEvent(number, f"item-{number}", EventType.VIEW) for number in range(start, stop)]


def test_an_event_of_a_user_of_whom_much_is_known_writes_little() -> None:
    """The record and the filter are the same objects, so that a store writes the tail alone."""
    parts = import_user(NEW_USER, {}, 0, views(0, 100), bounds=BOUNDS, path="").parts
    longer = add_events(parts, views(100, 101), BOUNDS)
    assert longer.record is parts.record
    assert longer.seen_filter is parts.seen_filter
    assert decode_tail(longer.tail or b"") == views(100, 101)


def test_a_tail_that_has_grown_is_folded() -> None:
    """It never has more than its bound, and nothing is lost on the way into the record."""
    parts, folds = NEW_USER, 0
    for event in views(0, 1_000):
        parts = add_events(parts, [event], BOUNDS)
        folds += parts.tail is None
        assert len(parts.tail or b"") <= MAX_TAIL_BYTES
    assert 10 < folds < 50
    assert remembered(parts, BOUNDS).history_items == [f"item-{number}" for number in range(994, 1_000)]


def test_a_record_says_whether_items_are_in_the_filter() -> None:
    """Without being decoded."""
    for stop in range(0, 12, 2):
        parts = fold(add_events(NEW_USER, views(0, stop), BOUNDS), BOUNDS)
        assert has_spilled(parts.record) == (parts.seen_filter is not None) == (stop > BOUNDS.most_seen)


@given(st.lists(st.lists(past_events, max_size=8), max_size=8), st.sets(st.integers(0, 8)))
def test_when_events_are_folded_makes_no_difference(batches: list[list[PastEvent]], folded: set[int]) -> None:
    """To the history, and to what is known to have been seen."""
    parts, record = NEW_USER, UserRecord()
    for number, batch in enumerate(batches):
        parts = add_events(parts, batch, BOUNDS)
        if number in folded:
            parts = fold(parts, BOUNDS)
        record.record(batch, BOUNDS)
    stored = fold(parts, BOUNDS)
    user = decode_user(stored.record)
    assert user.history_items == record.history_items
    seen = {event.item_id for batch in batches for event in batch if event.type in SEEN_TYPES}
    assert all(item in user.seen_items or _filtered(stored, item) for item in seen)


def _filtered(parts: UserParts, item: str) -> bool:
    return parts.seen_filter is not None and bool(may_have_seen(parts.seen_filter, [item]).all())


@given(st.lists(past_events, max_size=30), st.lists(past_events, max_size=30))
def test_an_import_on_top_of_a_tail_can_be_repeated(recorded: list[PastEvent], imported: list[PastEvent]) -> None:
    """The second time nothing is new."""
    parts = add_events(NEW_USER, recorded, BOUNDS)
    once = import_user(parts, {"age": 3.0}, 5, imported, bounds=BOUNDS, path="")
    again = import_user(once.parts, {"age": 3.0}, 5, imported, bounds=BOUNDS, path="")
    assert (once.attributes, again.events, again.parts) == ({"age": 3.0}, [], once.parts)
