"""How what is stored of a user changes: bytes in, bytes out, whatever the bytes are stored in."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from services.feature_store.seen_filter import add_items
from services.feature_store.stored_user import (
    NOBODY,
    PastEvent,
    UserParts,
    append_to_tail,
    decode_tail,
    decode_user,
    encode_user,
)
from services.feature_store.user_record import Bounds, UserRecord
from shared.features import AttributeValue

#: A tail that has more bytes than this is folded into the record: a few dozen events, and as much as LMDB keeps inside of a
#: page. An event of a user of whom much is known then costs a page to write, and the record a fortieth part of its size.
MAX_TAIL_BYTES = 1_900


#: A user nobody knew.
NEW_USER = UserParts(encode_user(NOBODY))


class Imported(NamedTuple):
    """What became of one user's import.

    Attributes:
        parts: What is to be stored.
        events: Those that were new.
        attributes: Those that are stored now; not those that newer ones were there of.
    """

    parts: UserParts
    events: list[PastEvent]
    attributes: dict[str, AttributeValue]


def add_events(parts: UserParts, events: Sequence[PastEvent], bounds: Bounds) -> UserParts:
    """Returns what is to be stored when a user did more.

    Args:
        parts: What is stored; `NEW_USER` where nothing is.
        events: What the user did, known to be new; in the order of arrival.
        bounds: How much is remembered.

    Returns:
        The parts; those that did not change are the same objects.
    """
    longer = parts._replace(tail=append_to_tail(parts.tail, events))
    if len(longer.tail or b"") <= MAX_TAIL_BYTES:
        return longer
    return fold(longer, bounds)


def import_user(
    parts: UserParts,
    attributes: Mapping[str, AttributeValue],
    written_at_ms: int,
    events: Iterable[PastEvent],
    *,
    bounds: Bounds,
    path: str,
) -> Imported:
    """Returns what is to be stored when attributes and past events are imported, and what of them was new.

    Args:
        parts: What is stored; `NEW_USER` where nothing is.
        attributes: By name.
        written_at_ms: When they came to be, in milliseconds since 1970, UTC.
        events: Of the past; one of the same item, time and type as another is the same.
        bounds: How much is remembered.
        path: The field of the request that the attributes are in.

    Raises:
        InvalidArgument: about the field at `path`, when the user would have too many attributes.
    """
    record = remembered(parts, bounds)
    written = record.set_attributes(attributes, written_at_ms, path)
    new = record.merge(events, bounds)
    return Imported(_stored(record, parts.seen_filter, bounds), new, written)


def fold(parts: UserParts, bounds: Bounds) -> UserParts:
    """Returns the same user without a tail."""
    return _stored(remembered(parts, bounds), parts.seen_filter, bounds)


def remembered(parts: UserParts, bounds: Bounds) -> UserRecord:
    """Returns a user with all events in the record; what is to go on into the filter is in `spilled`."""
    record = UserRecord.of(decode_user(parts.record))
    if parts.tail is not None:
        record.record(decode_tail(parts.tail), bounds)
    return record


def _stored(record: UserRecord, seen_filter: bytes | None, bounds: Bounds) -> UserParts:
    if record.spilled:
        seen_filter = add_items(seen_filter, record.spilled, bounds.filtered)
    return UserParts(encode_user(record.stored), None, seen_filter)
