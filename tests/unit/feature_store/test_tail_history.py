"""A history is read as if its newest events had been folded into it."""

from hypothesis import given
from hypothesis import strategies as st

from services.feature_store.stored_user import PastEvent, decode_user, encode_user
from services.feature_store.tail_history import history_with
from services.feature_store.user_record import Bounds, UserRecord
from shared.events import EventType

WIDE = Bounds(history=100, seen=100)

views = st.lists(
    st.builds(
        PastEvent,
        at_ms=st.integers(0, 6),
        item_id=st.text("abcdef", min_size=1, max_size=2),
        type=st.just(EventType.VIEW),
        dwell_seconds=st.just(0.0),
    ),
    max_size=8,
)


@given(views, views.filter(bool))
def test_it_comes_to_what_folding_gives(folded: list[PastEvent], tail: list[PastEvent]) -> None:
    """Late events too take their places in time, and ties stay in the order of arrival."""
    record = UserRecord()
    record.record(folded, WIDE)
    before = decode_user(encode_user(record.stored))
    record.record(tail, WIDE)
    assert history_with(before, tail) == record.history_items


def test_what_is_stored_is_not_changed_by_reading() -> None:
    """A late event is put into a copy."""
    record = UserRecord()
    record.record([PastEvent(5, "b", EventType.VIEW)], WIDE)
    stored = record.stored
    assert history_with(stored, [PastEvent(1, "a", EventType.VIEW)]) == ["a", "b"]
    assert stored.history_items == ["b"]
