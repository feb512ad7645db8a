"""The lines of Winnow's own format, one JSON object each, and what each field may hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from shared.feature_views import places

ITEMS_FILE = "items.jsonl"
USERS_FILE = "users.jsonl"
EVENTS_FILE = "events.jsonl"

# What the public API accepts in an id and in the name of an attribute, so that everything trained can be asked for.
MAX_ID_BYTES = 256
MAX_ATTRIBUTE_NAME_BYTES = 64

# Whole seconds of any year before 5138 stay below this, milliseconds of any year after 1973 above it.
_SMALLEST_MILLISECONDS = 100_000_000_000
_LARGEST_MILLISECONDS = 253_402_300_799_999

EventName = Literal["view", "click", "like", "dislike", "purchase"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Timestamp = Annotated[datetime, msgspec.Meta(tz=True)] | int
_Attributes = dict[str, str | float | tuple[str | float, ...]]


class ItemRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of `items.jsonl`."""

    id: str
    title: str
    categories: tuple[str, ...] = ()
    text: str = ""
    attributes: _Attributes = {}
    updated_at: _Timestamp | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        """Refuse an id or an attribute that the public API would refuse, and a time that cannot be milliseconds."""
        _check_id("id", self.id)
        _check_attributes(self.attributes)
        if self.updated_at is not msgspec.UNSET:
            _check_time("updated_at", self.updated_at)


class UserRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of `users.jsonl`."""

    id: str
    attributes: _Attributes = {}
    updated_at: _Timestamp | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        """Refuse an id or an attribute that the public API would refuse, and a time that cannot be milliseconds."""
        _check_id("id", self.id)
        _check_attributes(self.attributes)
        if self.updated_at is not msgspec.UNSET:
            _check_time("updated_at", self.updated_at)


class EventRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of `events.jsonl`.

    `liked` is for what was taken up and then found wanting, or good: a low rating, say. Left out, all but a "dislike" is
    liked.
    """

    user_id: str
    item_id: str
    timestamp: _Timestamp
    type: EventName = "view"
    liked: bool | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        """Refuse ids that the public API would refuse, and times that cannot be milliseconds."""
        _check_id("user_id", self.user_id)
        _check_id("item_id", self.item_id)
        _check_time("timestamp", self.timestamp)
        if self.type == "dislike" and self.liked is True:
            raise ValueError("liked is true for a dislike")

    @property
    def is_liked(self) -> bool:
        """Whether the user liked the item, as far as is known."""
        return self.is_viewed if self.liked is msgspec.UNSET else self.liked

    @property
    def is_viewed(self) -> bool:
        """Whether the event joins the user's history."""
        return self.type != "dislike"

    @property
    def milliseconds(self) -> int:
        """The time in milliseconds since 1970-01-01T00:00:00Z."""
        return milliseconds(self.timestamp)


def milliseconds(timestamp: datetime | int) -> int:
    """A time of a record in milliseconds since 1970-01-01T00:00:00Z."""
    if isinstance(timestamp, datetime):
        return (timestamp - _EPOCH) // timedelta(milliseconds=1)
    return timestamp


def flattened(attributes: _Attributes) -> dict[str, str | float]:
    """The attributes with one for each place of a list, named `name[0]`, `name[1]`, ...: as they are stored and sent."""
    flat: dict[str, str | float] = {}
    for name, value in attributes.items():
        flat |= dict(zip(places(name, len(value)), value, strict=True)) if isinstance(value, tuple) else {name: value}
    return flat


def _check_id(field: str, entity_id: str) -> None:
    if not 1 <= len(entity_id.encode()) <= MAX_ID_BYTES:
        raise ValueError(f"{field} must have 1 to {MAX_ID_BYTES} bytes")


def _check_time(field: str, timestamp: datetime | int) -> None:
    if isinstance(timestamp, datetime):
        if timestamp < _EPOCH:
            raise ValueError(f"{field} lies before 1970")
    elif not _SMALLEST_MILLISECONDS <= timestamp <= _LARGEST_MILLISECONDS:
        raise ValueError(f"{field} is not in milliseconds since 1970 (seconds must be multiplied by 1000)")


def _check_attributes(attributes: _Attributes) -> None:
    for name, value in attributes.items():
        if isinstance(value, tuple) and len({isinstance(element, str) for element in value}) != 1:
            raise ValueError(f"the list {name!r} must hold strings, or numbers, and at least one")
    for name in flattened(attributes):
        if not 1 <= len(name.encode()) <= MAX_ATTRIBUTE_NAME_BYTES:
            raise ValueError(f"the attribute name {name!r} must have 1 to {MAX_ATTRIBUTE_NAME_BYTES} bytes")
