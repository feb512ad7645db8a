"""One user as bytes. Reading is most of the work, so what a reader does not look at costs it next to nothing.

A user is three values, because they change at different rates. Events are appended to the tail, which is small; when it
has grown they are folded into the record, tens of kilobytes where much is known; and when the record has seen more items
than it keeps, the oldest go on into the filter.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from shared.features import AttributeValue


class UserParts(NamedTuple):
    """What is stored of one user whom somebody knows.

    Attributes:
        record: A `StoredUser`, from `encode_user`.
        tail: Events that are not in the record yet, from `append_to_tail`; None where there are none.
        seen_filter: Items that were seen before those in the record, from `seen_filter.add_items`; None where there are none.
    """

    record: bytes
    tail: bytes | None = None
    seen_filter: bytes | None = None

    @property
    def size(self) -> int:
        """How many bytes a reader has to decode."""
        return sum(len(part) for part in self if part is not None)


class PastEvent(NamedTuple):
    """An event as a user's record knows it. Stored in tails as a msgpack array of these fields, in this order.

    Attributes:
        at_ms: When, in milliseconds since 1970, UTC.
        item_id: The item.
        type: What was done, an `EventType`.
        dwell_seconds: Of a dwell; else zero.
    """

    at_ms: int
    item_id: str
    type: int
    dwell_seconds: float = 0.0


class StoredUser(msgspec.Struct, array_like=True, frozen=True):
    """One user's record as stored: a msgpack array of these fields, in this order.

    Times are packed, for each of them as an integer of its own makes decoding three times as slow. They are int64 in
    the machine's byte order, as LMDB's own numbers are.

    Attributes:
        attributes: By name.
        attribute_times: When each was written, in milliseconds since 1970, UTC: int64 [attributes], in their order.
        history_items: Item ids in the order of event time, ties in the order of arrival; an item may come often.
        history_times: The time of each in milliseconds since 1970, UTC: int64 [history].
        history_types: The `EventType` of each: uint8 [history].
        seen_items: The ids of the items that the user saw last, each once, in no order.
        seen_times: The time of the newest event of each: int64 [seen].
        counters: Of the events, from `decayed_counters.count_events`.
        spilled_at_ms: The time of the newest item that went on into the filter; -1 where none did. Whatever else is
            not newer goes there too.
        spilled_item: Which item that was: of the same time, those up to it in the order of ids went too.
    """

    attributes: dict[str, AttributeValue] = {}
    attribute_times: bytes = b""
    history_items: list[str] = []
    history_times: bytes = b""
    history_types: bytes = b""
    seen_items: list[str] = []
    seen_times: bytes = b""
    counters: bytes = b""
    spilled_at_ms: int = -1
    spilled_item: str = ""


NOBODY = StoredUser()

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(StoredUser)
_tail_decoder = msgspec.msgpack.Decoder(list[PastEvent])

#: How a record ends whose last two fields say that nothing has spilled. No other does: an id is UTF-8, which has no 0xff.
_NOTHING_SPILLED = b"\xff\xa0"

#: A tail is one msgpack array whose length is always written in four bytes, so that events can be appended to it.
_ARRAY = b"\xdd"
_ARRAY_HEADER_BYTES = 5


def encode_user(user: StoredUser) -> bytes:
    """Returns the bytes that `decode_user` turns back into the user."""
    return _encoder.encode(user)


def decode_user(encoded: bytes | memoryview) -> StoredUser:
    """Returns the user in `encoded`.

    Raises:
        msgspec.MsgspecError: the bytes are no stored user.
    """
    return _decoder.decode(encoded)


def has_spilled(record: bytes) -> bool:
    """Whether a record has seen items in a filter: a reader of many users asks this of each, and decodes none for it."""
    return not record.endswith(_NOTHING_SPILLED)


def append_to_tail(tail: bytes | None, events: Sequence[PastEvent]) -> bytes:
    """Returns a tail with more events at its end; None is an empty one."""
    before = tail or _ARRAY + bytes(4)
    count = int.from_bytes(before[1:_ARRAY_HEADER_BYTES], "big") + len(events)
    parts = [_ARRAY, count.to_bytes(4, "big"), before[_ARRAY_HEADER_BYTES:], *map(_encoder.encode, events)]
    return b"".join(parts)


def decode_tail(tail: bytes | memoryview) -> list[PastEvent]:
    """Returns the events of a tail, in the order of their arrival.

    Raises:
        msgspec.MsgspecError: the bytes are no tail.
    """
    return _tail_decoder.decode(tail)
