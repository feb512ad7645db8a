"""What the log holds. A record is a msgpack array: its tag, then its fields in order. Fields are only ever added at the end."""

import msgspec

from shared.features import AttributeValue


class EventRecord(msgspec.Struct, frozen=True, array_like=True, tag_field="record", tag="event"):
    """A user did something.

    Attributes:
        user_id: Who, as it is stored.
        event_id: Names the event within its user.
        item_id: With what.
        type: What, a `shared.events.EventType`.
        occurred_at_ms: When it happened, in milliseconds since 1970, UTC, as the caller says.
        recorded_at_ms: When the store took it.
        dwell_seconds: Of a dwell.
        shown_by: The request whose answer showed the item; empty where none is named.
    """

    user_id: str
    event_id: str
    item_id: str
    type: int
    occurred_at_ms: int
    recorded_at_ms: int
    dwell_seconds: float = 0.0
    shown_by: str = ""


class AttributesRecord(msgspec.Struct, frozen=True, array_like=True, tag_field="record", tag="attributes"):
    """Attributes of a user were written.

    Attributes:
        user_id: Whose, as it is stored.
        values: By name.
        written_at_ms: When the values came to be, in milliseconds since 1970, UTC.
        recorded_at_ms: When the store took them.
    """

    user_id: str
    values: dict[str, AttributeValue]
    written_at_ms: int
    recorded_at_ms: int


class ItemFeaturesRecord(msgspec.Struct, frozen=True, array_like=True, tag_field="record", tag="item_features"):
    """Features of an item were written over those of the snapshots.

    Attributes:
        item_id: Whose.
        values: By feature name, as the models take them.
        written_at_ms: When the values came to be, in milliseconds since 1970, UTC.
        recorded_at_ms: When the store took them.
    """

    item_id: str
    values: dict[str, float]
    written_at_ms: int
    recorded_at_ms: int


class ItemRecord(msgspec.Struct, frozen=True, array_like=True, tag_field="record", tag="item"):
    """An item was upserted or withdrawn.

    Attributes:
        item_id: Which.
        withdrawn: Whether it was withdrawn; then nothing else is said of it.
        changed_at_ms: When, in milliseconds since 1970, UTC.
        title: For display.
        categories: Of the item.
        attributes: By name.
        text: A description.
    """

    item_id: str
    withdrawn: bool
    changed_at_ms: int
    title: str = ""
    categories: tuple[str, ...] = ()
    attributes: dict[str, AttributeValue] = {}
    text: str = ""


class ExposureRecord(msgspec.Struct, frozen=True, array_like=True, tag_field="record", tag="exposure"):
    """An answer was shown. Lists are parallel to `item_ids`, which are in the order of their places.

    Attributes:
        request_id: Names the answer.
        user_id: To whom, as it is stored; empty for nobody in particular.
        snapshot_id: What the answer came from.
        arm: The experiment and its arm, such as `variety/high`; empty where none ran.
        shown_at_ms: When, in milliseconds since 1970, UTC.
        item_ids: What.
        scores: What the order was by.
        propensities: How probable each item was in its place, given those above it; in (0, 1].
        channels: Names of the channels.
        found_by: Bit c is set where `channels[c]` found the item; 0 where it was backfilled.
        degraded: The stages that were done without.
    """

    request_id: str
    user_id: str
    snapshot_id: str
    arm: str
    shown_at_ms: int
    item_ids: tuple[str, ...]
    scores: tuple[float, ...]
    propensities: tuple[float, ...]
    channels: tuple[str, ...]
    found_by: tuple[int, ...]
    degraded: tuple[str, ...] = ()


Record = EventRecord | AttributesRecord | ItemFeaturesRecord | ItemRecord | ExposureRecord


def kind_of(record: Record) -> str:
    """Returns the kind of a record: its tag, such as `event`."""
    return str(type(record).__struct_config__.tag)


_encoder = msgspec.msgpack.Encoder()
_decoder: "msgspec.msgpack.Decoder[Record]" = msgspec.msgpack.Decoder(Record)


def encode_record(record: Record) -> bytes:
    """Returns the bytes that `decode_record` turns back into the record."""
    return _encoder.encode(record)


def decode_record(encoded: bytes | memoryview) -> Record:
    """Returns the record in `encoded`.

    Raises:
        msgspec.MsgspecError: the bytes are no record.
    """
    return _decoder.decode(encoded)
