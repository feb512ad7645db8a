"""What users do, and what is imported of their past."""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from shared.features import AttributeValue


class Event(msgspec.Struct, frozen=True):
    """One thing that one user did.

    Attributes:
        event_id: Names the event within its user.
        user_id: Who.
        item_id: The item, which need not be in any snapshot.
        type: What was done, a `shared.events.EventType`.
        at_ms: When, in milliseconds since 1970, UTC.
        dwell_seconds: How long, of a dwell; else zero.
        shown_by: The request whose answer showed the item; empty where none is named.
    """

    event_id: str
    user_id: str
    item_id: str
    type: int
    at_ms: int
    dwell_seconds: float = 0.0
    shown_by: str = ""

    @property
    def key(self) -> bytes:
        """16 bytes that stand for the event; the first eight for its user alone."""
        return user_key(self.user_id) + hashlib.blake2b(self.event_id.encode(), digest_size=8).digest()


def user_key(user_id: str) -> bytes:
    """Returns the eight bytes that the keys of all events of a user begin with."""
    return hashlib.blake2b(user_id.encode(), digest_size=8).digest()


class ImportedUser(msgspec.Struct, frozen=True):
    """One user with what is known of the past, as parallel lists.

    Attributes:
        user_id: Who.
        attributes: To store, by name.
        item_ids: The items of past events.
        times_ms: When each event took place, in milliseconds since 1970, UTC.
        types: What each event was, a `shared.events.EventType`.
        attributes_written_at_ms: When the attributes came to be, in milliseconds since 1970, UTC; 0 for now.
    """

    user_id: str
    attributes: Mapping[str, AttributeValue]
    item_ids: Sequence[str]
    times_ms: Sequence[int]
    types: Sequence[int]
    attributes_written_at_ms: int = 0


class Recorded(msgspec.Struct, frozen=True):
    """What became of a batch of events.

    Attributes:
        recorded: How many were new.
        duplicates: How many had been recorded before, or came twice in the batch.
    """

    recorded: int
    duplicates: int
