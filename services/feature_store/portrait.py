"""What is remembered of one user, told and counted: for who asks what is known of them, and for receipts of erasures."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from services.feature_store.decayed_counters import read_counts, weigh
from services.feature_store.stored_user import UserParts
from services.feature_store.user_change import remembered
from services.feature_store.user_record import Bounds
from shared.event_log.records import Record, kind_of
from shared.events import EventType

#: Every place that can hold something of a user, in the order in which it is told.
PLACES = (
    "attributes",
    "history",
    "seen",
    "counters",
    "event_ids",
    "log_events",
    "log_exposures",
    "log_attributes",
)

_PLACE_OF_KIND = {"event": "log_events", "exposure": "log_exposures", "attributes": "log_attributes"}

Told = tuple[str, Mapping[str, Any]]


def tell_stored(parts: UserParts, bounds: Bounds, now_ms: int) -> Iterator[Told]:
    """Yields what is stored of a user, each record with its place."""
    user = remembered(parts, bounds)
    for name, value in user.attributes.items():
        yield "attributes", {"name": name, "value": value, "written_at_ms": user.attribute_times[name]}
    history = zip(user.history_items, user.history_times, user.history_types, strict=True)
    for item_id, at_ms, kind in history:
        yield "history", {"item_id": item_id, "at_ms": at_ms, "type": EventType(kind).name.lower()}
    for item_id, at_ms in user.seen.items():
        yield "seen", {"item_id": item_id, "at_ms": at_ms}
    if parts.seen_filter is not None:
        # Of a filter it can be asked whether an item is in it, not which are.
        yield "seen", {"filter_of_older_items_bytes": len(parts.seen_filter)}
    counts = read_counts(user.counters, now_ms, bounds.half_life_ms)
    for counted, weight in weigh(counts, bounds.weights).items():
        yield "counters", {"type": counted.name.lower(), "count": counts[counted], "weight": weight}


def count_stored(parts: UserParts, bounds: Bounds) -> "Counter[str]":
    """Returns how many records `tell_stored` has of a user, by place."""
    user = remembered(parts, bounds)
    return Counter(
        attributes=len(user.attributes),
        history=len(user.history_items),
        seen=len(user.seen) + (parts.seen_filter is not None),
        counters=sum(count > 0 for count in _counts(user.counters, bounds)),
    )


def tell_logged(record: Record) -> Told:
    """Returns a record of the log, with its place."""
    return place_of(record), {name: getattr(record, name) for name in record.__struct_fields__}


def place_of(record: Record) -> str:
    """Returns the place of a record that is about a user."""
    return _PLACE_OF_KIND[kind_of(record)]


def user_of(record: Record) -> str:
    """Returns the user that a record is about; empty where it is about nobody."""
    return getattr(record, "user_id", "")


def _counts(counters: bytes, bounds: Bounds) -> list[float]:
    as_of = array("q", counters[:8])[0] if counters else 0
    return list(read_counts(counters, as_of, bounds.half_life_ms).values())
