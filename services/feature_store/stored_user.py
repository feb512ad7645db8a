"""One user as bytes. Reading is most of the work, so what a reader does not look at costs it next to nothing."""

import msgspec

from shared.features import AttributeValue


class StoredUser(msgspec.Struct, array_like=True, frozen=True):
    """One user as stored: a msgpack array of these fields, in this order.

    Times are packed, for each of them as an integer of its own makes decoding three times as slow. They are int64 in
    the machine's byte order, as LMDB's own numbers are.

    Attributes:
        attributes: By name.
        history_items: Item ids in the order of event time, ties in the order of arrival; an item may come often.
        history_times: The time of each in milliseconds since 1970, UTC: int64 [history].
        history_types: The `EventType` of each: uint8 [history].
        seen_items: The ids of the items that the user has seen, each once, in no order.
        seen_times: The time of the newest event of each: int64 [seen].
    """

    attributes: dict[str, AttributeValue]
    history_items: list[str]
    history_times: bytes
    history_types: bytes
    seen_items: list[str]
    seen_times: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(StoredUser)


def encode_user(user: StoredUser) -> bytes:
    """Returns the bytes that `decode_user` turns back into the user."""
    return _encoder.encode(user)


def decode_user(encoded: bytes | memoryview) -> StoredUser:
    """Returns the user in `encoded`.

    Raises:
        msgspec.MsgspecError: the bytes are no stored user.
    """
    return _decoder.decode(encoded)
