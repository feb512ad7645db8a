"""Records of the log, short to write down, and a log of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from shared.event_log.records import (
    AttributesRecord,
    EventRecord,
    ExposureRecord,
    ItemFeaturesRecord,
    ItemRecord,
    Record,
    encode_record,
)
from shared.events import EventType
from shared.features import AttributeValue


def log_of(records: Sequence[Record], broken_at: int | None = None) -> Callable[[int], Iterator[tuple[int, Record]]]:
    """Returns a reader of a log that holds these records; it fails after `broken_at` of them, as a crash would."""

    def read(after: int) -> Iterator[tuple[int, Record]]:
        end = 0
        for number, record in enumerate(records):
            if number == broken_at:
                raise InterruptedError("the power went")
            end += len(encode_record(record)) + 9
            if end > after:
                yield end, record

    return read


def event(
    user_id: str,
    item_id: str,
    at: int,
    kind: EventType = EventType.VIEW,
    *,
    dwell: float = 0.0,
    shown_by: str = "",
    event_id: str = "",
) -> EventRecord:
    """Returns an event that was recorded the moment it happened."""
    event_id = event_id or f"{user_id}-{item_id}-{at}-{kind}"
    return EventRecord(user_id, event_id, item_id, kind, at, at, dwell, shown_by)


def attributes(user_id: str, values: Mapping[str, AttributeValue], at: int) -> AttributesRecord:
    """Returns attributes that were recorded the moment they were written."""
    return AttributesRecord(user_id, dict(values), at, at)


def item_features(item_id: str, values: Mapping[str, float], at: int) -> ItemFeaturesRecord:
    """Returns item features that were recorded the moment they were written."""
    return ItemFeaturesRecord(item_id, dict(values), at, at)


def item(item_id: str, at: int, *, withdrawn: bool = False, **attributes: AttributeValue) -> ItemRecord:
    """Returns a change of an item."""
    if withdrawn:
        return ItemRecord(item_id, True, at)
    return ItemRecord(item_id, False, at, f"Title of {item_id}", ("Fantasy",), dict(attributes), f"Text of {item_id}")


def exposure(
    request_id: str, user_id: str, at: int, item_ids: Sequence[str], propensities: Sequence[float] = ()
) -> ExposureRecord:
    """Returns an exposure whose items were all found by the second of two channels."""
    count = len(item_ids)
    return ExposureRecord(
        request_id=request_id,
        user_id=user_id,
        snapshot_id="S1",
        arm="variety/high",
        shown_at_ms=at,
        item_ids=tuple(item_ids),
        scores=tuple(float(count - place) for place in range(count)),
        propensities=tuple(propensities) or (0.5,) * count,
        channels=("collaborative", "content"),
        found_by=(2,) * count,
    )
