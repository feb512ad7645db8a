"""What a training set must hold, found by looking at every record for every value.

It shares no code with what it judges but the declarations of features and the names of events: no tables, no joins, no
sorting of histories, and fractions instead of floating-point numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from services.training.offline.features import Counted, Feature, Written
from shared.event_log.records import AttributesRecord, EventRecord, ItemFeaturesRecord, ItemRecord, Record
from shared.events import HISTORY_TYPES, EventType
from shared.features import AttributeValue

Answer = tuple[AttributeValue | Fraction | None, int, int | None]
"""Value, state and age in milliseconds."""


def expected(records: Sequence[Record], feature: Feature, user_id: str, item_id: str, at_ms: int) -> Answer:
    """Returns what a feature was at a moment."""
    entity_id = user_id if feature.entity == "user" else item_id
    found: tuple[AttributeValue | Fraction, int] | None
    if isinstance(feature, Written):
        found = _last_written(records, feature, entity_id, at_ms)
    else:
        found = _counted(records, feature, entity_id, at_ms)
    if found is None:
        return feature.default, 2, None
    value, written_at = found
    age = at_ms - written_at
    if feature.ttl_ms > 0 and age > feature.ttl_ms:
        return feature.default, 3, age
    return value, 1, age


def expected_history(records: Sequence[Record], user_id: str, at_ms: int, most: int) -> list[str]:
    """Returns the items of the last events before a moment, oldest first."""
    history: list[EventRecord] = []
    for record in records:
        if isinstance(record, EventRecord) and record.user_id == user_id and record.occurred_at_ms < at_ms:
            if EventType(record.type) not in HISTORY_TYPES:
                continue
            place = len(history)
            while place and history[place - 1].occurred_at_ms > record.occurred_at_ms:
                place -= 1
            history.insert(place, record)
    items = [record.item_id for record in history]
    return [item for at, item in enumerate(items) if at == 0 or items[at - 1] != item][-most:]


def _last_written(
    records: Sequence[Record], feature: Written, entity_id: str, at_ms: int
) -> tuple[AttributeValue, int] | None:
    last: tuple[AttributeValue | None, int] | None = None
    for record in records:
        match record:
            case AttributesRecord() if feature.entity == "user" and record.user_id == entity_id:
                if feature.name not in record.values:
                    continue
                entry: tuple[AttributeValue | None, int] = record.values[feature.name], record.written_at_ms
            case ItemFeaturesRecord() if feature.source == "item_features" and record.item_id == entity_id:
                if feature.name not in record.values:
                    continue
                entry = record.values[feature.name], record.written_at_ms
            case ItemRecord() if (feature.entity, feature.source) == ("item", "attributes"):
                if record.item_id != entity_id:
                    continue
                entry = record.attributes.get(feature.name), record.changed_at_ms
            case _:
                continue
        if entry[1] <= at_ms and (last is None or entry[1] >= last[1]):
            last = entry
    if last is None or last[0] is None or isinstance(last[0], str) != (feature.kind == "text"):
        return None
    return last[0], last[1]


def _counted(records: Sequence[Record], feature: Counted, entity_id: str, at_ms: int) -> tuple[Fraction, int] | None:
    total, last = Fraction(0), -1
    for record in records:
        if not isinstance(record, EventRecord) or record.occurred_at_ms >= at_ms:
            continue
        if entity_id != (record.user_id if feature.entity == "user" else record.item_id):
            continue
        weight = Fraction(feature.weights.get(EventType(record.type), 0.0))
        if EventType(record.type) not in feature.weights:
            continue
        if record.type == EventType.DWELL:
            weight *= min(Fraction(record.dwell_seconds) / 60, Fraction(5))
        halvings = Fraction(at_ms - record.occurred_at_ms) / Fraction(feature.half_life_ms)
        total += weight * _halved(halvings)
        last = max(last, record.occurred_at_ms)
    return None if last < 0 else (total, last)


def _halved(halvings: Fraction) -> Fraction:
    """One, halved that often: exactly where that is a whole number, else as exactly as a double can say."""
    if halvings > 1_100:  # less than any double
        return Fraction(0)
    return Fraction(1, 2 ** int(halvings)) if halvings.denominator == 1 else Fraction(2.0 ** -float(halvings))
