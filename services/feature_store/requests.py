"""From the contract's messages to the domain's values; every limit of the contract is checked here."""

import math
from collections.abc import Container, Mapping, Sequence

import numpy as np

from services.feature_store.events import Event, ImportedUser
from services.feature_store.item_write import ItemWrite
from services.feature_store.limits import (
    MAX_EVENT_ID_BYTES,
    MAX_ID_BYTES,
    MAX_NAME_BYTES,
    check_count,
    check_text,
    check_time,
    check_type,
    check_unique,
)
from services.feature_store.turns import in_turns
from services.feature_store.user_columns import UserQuery
from services.feature_store.user_record import MAX_ATTRIBUTES
from shared.errors import InvalidArgument
from shared.events import EventType
from shared.features import AttributeValue
from shared.tensors import FLOAT32, decode
from shared.user_ids import UserIds
from winnow.feature_store.v1 import feature_store_service_pb2 as messages

MAX_USERS = 1_024
MAX_HISTORY = 1_000
MAX_OVERRIDES = 32
MAX_ROWS = 65_536
MAX_EVENTS = 10_000
MAX_IMPORTED_EVENTS = 20_000
MAX_WRITTEN_ITEMS = 10_000
#: How far clocks may be apart. A value of the far future could never be overwritten.
MAX_AHEAD_MS = 5 * 60 * 1000

#: The longest dwell that is believed, in seconds.
MAX_DWELL_SECONDS = 86_400.0

_DWELL = EventType.DWELL.value

#: Events that are read before others may use the interpreter: about half a millisecond.
_EVENTS_AT_A_TIME = 512


def read_user_query(request: messages.GetUsersRequest, ids: UserIds) -> UserQuery:
    """Returns the users that are asked for.

    Args:
        request: The request.
        ids: Turns users' ids into those they are stored under; so for all requests here.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    check_snapshot_id(request.snapshot_id)
    check_count("users", len(request.users), MAX_USERS)
    if request.max_history > MAX_HISTORY:
        raise InvalidArgument("max_history", f"must be at most {MAX_HISTORY}")
    overrides = []
    for position, user in enumerate(request.users):
        check_text(f"users[{position}].user_id", user.user_id, MAX_ID_BYTES, required=False)
        overrides.append(read_attributes(f"users[{position}].attributes", user.attributes, MAX_OVERRIDES))
    user_ids = [ids.stored(user.user_id) for user in request.users]
    return UserQuery(user_ids, overrides, request.max_history, request.include_states)


def read_user_id(request: messages.ForgetUserRequest | messages.ExportUserRequest, ids: UserIds) -> str:
    """Returns the id under which the user of a request is stored.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    check_text("user_id", request.user_id, MAX_ID_BYTES)
    return ids.stored(request.user_id)


def read_events(request: messages.RecordEventsRequest | messages.IngestEventsRequest, ids: UserIds) -> list[Event]:
    """Returns the events of a request.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    check_count("events", len(request.events), MAX_EVENTS)
    # A request that is read on the event loop has few events, and no turns to give.
    events = in_turns(enumerate(request.events), _EVENTS_AT_A_TIME)
    return [_read_event(f"events[{position}]", event, ids) for position, event in events]


def read_imported_users(request: messages.ImportUsersRequest, ids: UserIds, now_ms: int) -> list[ImportedUser]:
    """Returns the users of a request.

    Args:
        request: The request.
        ids: Turns users' ids into those they are stored under.
        now_ms: In milliseconds since 1970, UTC.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    check_count("users", len(request.users), MAX_USERS)
    return [_read_imported_user(f"users[{position}]", user, ids, now_ms) for position, user in enumerate(request.users)]


def read_item_write(
    request: messages.WriteItemFeaturesRequest, feature_names: Container[str], now_ms: int
) -> ItemWrite:
    """Returns the values that are to be written.

    Args:
        request: The request.
        feature_names: The item features of the snapshot that it names.
        now_ms: In milliseconds since 1970, UTC.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    item_ids, names, times = list(request.item_ids), list(request.feature_names), list(request.written_at_ms)
    check_count("item_ids", len(item_ids), MAX_WRITTEN_ITEMS)
    for position, item_id in enumerate(item_ids):
        check_text(f"item_ids[{position}]", item_id, MAX_ID_BYTES)
    check_unique("item_ids", item_ids)
    if not names:
        raise InvalidArgument("feature_names", "is required")
    for position, name in enumerate(names):
        if name not in feature_names:
            raise InvalidArgument(f"feature_names[{position}]", "is the name of no item feature of the snapshot")
    check_unique("feature_names", names)
    if len(times) not in (1, len(item_ids)):
        raise InvalidArgument("written_at_ms", f"holds {len(times)}; one, or as many as item_ids, are allowed")
    for position, time in enumerate(times):
        _check_written(f"written_at_ms[{position}]", time, now_ms)
    values = decode(request.values, "values", FLOAT32, [len(item_ids), len(names)])
    return ItemWrite(item_ids, names, values, np.broadcast_to(np.array(times, dtype=np.int64), len(item_ids)))


def check_snapshot_id(snapshot_id: str) -> None:
    """Checks that a snapshot is named.

    Raises:
        InvalidArgument: it is not.
    """
    if not snapshot_id:
        raise InvalidArgument("snapshot_id", "is required")


def _read_event(field: str, event: messages.Event, ids: UserIds) -> Event:
    check_text(f"{field}.event_id", event.event_id, MAX_EVENT_ID_BYTES)
    check_text(f"{field}.user_id", event.user_id, MAX_ID_BYTES)
    read = Event(
        event.event_id,
        ids.stored(event.user_id),
        event.item_id,
        event.type,
        event.occurred_at_ms,
        event.dwell_seconds,
        event.shown_by_request_id,
    )
    check_text(f"{field}.item_id", read.item_id, MAX_ID_BYTES)
    check_type(f"{field}.type", read.type)
    check_time(f"{field}.occurred_at_ms", read.at_ms)
    check_text(f"{field}.shown_by_request_id", read.shown_by, MAX_EVENT_ID_BYTES, required=False)
    if read.type == _DWELL:
        if not 0 < read.dwell_seconds <= MAX_DWELL_SECONDS:
            raise InvalidArgument(f"{field}.dwell_seconds", "must be above zero and at most 86400")
    elif read.dwell_seconds != 0:
        raise InvalidArgument(f"{field}.dwell_seconds", "must be zero but for a dwell")
    return read


def _read_imported_user(field: str, user: messages.ImportedUser, ids: UserIds, now_ms: int) -> ImportedUser:
    check_text(f"{field}.user_id", user.user_id, MAX_ID_BYTES)
    attributes = read_attributes(f"{field}.attributes", user.attributes, MAX_ATTRIBUTES)
    item_ids, times = list(user.item_ids), list(user.occurred_at_ms)
    if len(item_ids) > MAX_IMPORTED_EVENTS:
        raise InvalidArgument(f"{field}.item_ids", f"holds {len(item_ids)}; at most {MAX_IMPORTED_EVENTS} are allowed")
    if len(times) != len(item_ids):
        raise InvalidArgument(f"{field}.occurred_at_ms", f"holds {len(times)} where item_ids holds {len(item_ids)}")
    for position, (item_id, time) in enumerate(zip(item_ids, times, strict=True)):
        check_text(f"{field}.item_ids[{position}]", item_id, MAX_ID_BYTES)
        check_time(f"{field}.occurred_at_ms[{position}]", time)
    _check_written(f"{field}.attributes_written_at_ms", user.attributes_written_at_ms, now_ms)
    types = _read_types(f"{field}.types", user, len(item_ids))
    return ImportedUser(ids.stored(user.user_id), attributes, item_ids, times, types, user.attributes_written_at_ms)


def _read_types(field: str, user: messages.ImportedUser, events: int) -> Sequence[int]:
    types: list[int] = list(user.types)
    if len(types) not in (0, 1, events):
        raise InvalidArgument(field, f"holds {len(types)}; none, one, or as many as item_ids, {events}, are allowed")
    for position, kind in enumerate(types):
        check_type(f"{field}[{position}]", kind)
    if len(types) == events:
        return types
    return (types or [EventType.VIEW.value]) * events


def read_attributes(
    field: str, attributes: Mapping[str, messages.AttributeValue], limit: int
) -> dict[str, AttributeValue]:
    """Returns attributes by name.

    Raises:
        InvalidArgument: about `field`, where there are more than `limit` or one breaks a limit.
    """
    if not attributes:  # as of most users that are read
        return {}
    if len(attributes) > limit:
        raise InvalidArgument(field, f"holds {len(attributes)} attributes; at most {limit} are allowed")
    read: dict[str, AttributeValue] = {}
    for name, value in attributes.items():
        if not 1 <= len(name.encode()) <= MAX_NAME_BYTES:
            raise InvalidArgument(
                field, f"holds a name of {len(name.encode())} bytes; 1 to {MAX_NAME_BYTES} are allowed"
            )
        read[name] = _read_attribute(f'{field}["{name}"]', value)
    return read


def _read_attribute(field: str, value: messages.AttributeValue) -> AttributeValue:
    kind = value.WhichOneof("value")
    if kind is None:
        raise InvalidArgument(field, "must have a text or a number")
    if kind == "text":
        check_text(field, value.text, MAX_ID_BYTES, required=False)
        return value.text
    if not math.isfinite(value.number):
        raise InvalidArgument(field, "must not be NaN or infinity")
    return value.number


def _check_written(field: str, time_ms: int, now_ms: int) -> None:
    check_time(field, time_ms)
    if time_ms > now_ms + MAX_AHEAD_MS:
        raise InvalidArgument(field, "is more than five minutes ahead of this service's clock")
