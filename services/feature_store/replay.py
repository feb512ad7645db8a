"""From the log's records back to what was written, for a store that a crash left behind its log.

A replayed write goes through the same functions as when it came first, so that one that is in the store already changes
nothing: events are known by their ids or are merged, attributes and item features by the time they were written.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np

from services.feature_store.events import Event, ImportedUser
from services.feature_store.item_changes import Item
from services.feature_store.item_write import ItemWrite
from shared.event_log.records import AttributesRecord, EventRecord, ItemFeaturesRecord, ItemRecord, Record

#: One thing to write again, and when it was recorded, in milliseconds since 1970, UTC.
Write = tuple[int, list[Event] | ImportedUser | ItemWrite | Item]


def writes(records: Iterable[Record]) -> Iterator[Write]:
    """Yields what records of the log have to be written again, in their order. Exposures change nothing that is stored.

    Neighbours that were recorded together come together: events of any users, or past events of one.
    """
    for (kind, recorded_at_ms, user_id), some in groupby(records, _together):
        neighbours = list(some)
        if kind == "event":
            yield recorded_at_ms, [_event(record) for record in neighbours if isinstance(record, EventRecord)]
        elif kind == "past":
            yield recorded_at_ms, _past(user_id, [record for record in neighbours if isinstance(record, EventRecord)])
        else:
            for record in neighbours:
                if isinstance(record, AttributesRecord):
                    written_at_ms = record.written_at_ms
                    yield recorded_at_ms, ImportedUser(record.user_id, record.values, [], [], [], written_at_ms)
                elif isinstance(record, ItemFeaturesRecord):
                    yield recorded_at_ms, _item_write(record)
                elif isinstance(record, ItemRecord):
                    yield record.changed_at_ms, _item(record)


def _together(record: Record) -> tuple[str, int, str]:
    if isinstance(record, EventRecord):
        # Imported events have no id.
        user_id = "" if record.event_id else record.user_id
        return ("event" if record.event_id else "past"), record.recorded_at_ms, user_id
    return "", getattr(record, "recorded_at_ms", 0), ""


def _event(record: EventRecord) -> Event:
    return Event(
        record.event_id,
        record.user_id,
        record.item_id,
        record.type,
        record.occurred_at_ms,
        record.dwell_seconds,
        record.shown_by,
    )


def _past(user_id: str, records: list[EventRecord]) -> ImportedUser:
    return ImportedUser(
        user_id,
        {},
        [record.item_id for record in records],
        [record.occurred_at_ms for record in records],
        [record.type for record in records],
    )


def _item(record: ItemRecord) -> Item:
    return Item(record.item_id, record.withdrawn, record.title, record.categories, record.attributes, record.text)


def _item_write(record: ItemFeaturesRecord) -> ItemWrite:
    return ItemWrite(
        [record.item_id],
        list(record.values),
        np.array([list(record.values.values())], dtype=np.float32),
        np.array([record.written_at_ms], dtype=np.int64),
    )
