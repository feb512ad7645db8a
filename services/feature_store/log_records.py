"""What a change of a user is in the log."""

from collections.abc import Mapping

from services.feature_store.events import Event
from services.feature_store.stored_user import PastEvent
from shared.event_log.records import AttributesRecord, EventRecord
from shared.features import AttributeValue


def event_record(event: Event, now_ms: int) -> EventRecord:
    """Returns the record of an event that was recorded now, in milliseconds since 1970, UTC."""
    return EventRecord(
        event.user_id,
        event.event_id,
        event.item_id,
        event.type,
        event.at_ms,
        now_ms,
        event.dwell_seconds,
        event.shown_by,
    )


def past_record(user_id: str, event: PastEvent, now_ms: int) -> EventRecord:
    """Returns the record of an event that was imported now; it has no id."""
    return EventRecord(user_id, "", event.item_id, event.type, event.at_ms, now_ms)


def attributes_record(
    user_id: str, values: Mapping[str, AttributeValue], written_at_ms: int, now_ms: int
) -> AttributesRecord:
    """Returns the record of attributes that came to be at one time and are stored now."""
    return AttributesRecord(user_id, dict(values), written_at_ms, now_ms)
