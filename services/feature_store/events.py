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
    """

    event_id: str
    user_id: str
    item_id: str
    type: int
    at_ms: int

    @property
    def key(self) -> bytes:
        """16 bytes that stand for the event: a hash of its user and its id."""
        user = self.user_id.encode()
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        named = len(user).to_bytes(2, "big") + user + self.event_id.encode()
        return hashlib.blake2b(named, digest_size=16).digest()


class ImportedUser(msgspec.Struct, frozen=True):
    """One user with what is known of the past, as parallel lists.

    Attributes:
        user_id: Who.
        attributes: To store, by name.
        item_ids: The items of past events.
        times_ms: When each event took place, in milliseconds since 1970, UTC.
        types: What each event was, a `shared.events.EventType`.
    """

    user_id: str
    attributes: Mapping[str, AttributeValue]
    item_ids: Sequence[str]
    times_ms: Sequence[int]
    types: Sequence[int]


class Recorded(msgspec.Struct, frozen=True):
    """What became of a batch of events.

    Attributes:
        recorded: How many were new.
        duplicates: How many had been recorded before, or came twice in the batch.
    """

    recorded: int
    duplicates: int
