"""From records of the log to rows of tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from services.training.offline.tables import COLUMNS, TABLES, Table
from shared.event_log.records import (
    AttributesRecord,
    EventRecord,
    ExposureRecord,
    ItemFeaturesRecord,
    ItemRecord,
    Record,
)
from shared.features import AttributeValue

Row = tuple[Any, ...]


class RowBuffer:
    """Rows that wait to become a part of their table."""

    def __init__(self) -> None:
        self._rows: dict[Table, list[Row]] = {table: [] for table in TABLES}
        self.rows = 0

    def add(self, position: int, record: Record) -> None:
        """Adds the rows of a record that ends at `position`."""
        table, rows = rows_of(position, record)
        self._rows[table].extend(rows)
        self.rows += len(rows)

    def take(self) -> dict[Table, pl.DataFrame]:
        """Returns the rows of every table that has some, and forgets them."""
        frames = {
            table: pl.DataFrame(rows, schema=COLUMNS[table], orient="row") for table, rows in self._rows.items() if rows
        }
        self._rows = {table: [] for table in TABLES}
        self.rows = 0
        return frames


def rows_of(position: int, record: Record) -> tuple[Table, list[Row]]:
    """Returns the table that a record belongs to and its rows there, each with the columns of `COLUMNS`."""
    match record:
        case EventRecord():
            return "events", [_event(position, record)]
        case AttributesRecord():
            return "attributes", list(_attributes(position, record))
        case ItemFeaturesRecord():
            return "item_features", list(_item_features(position, record))
        case ItemRecord():
            return "items", [_item(position, record)]
        case ExposureRecord():
            return "exposures", [_exposure(position, record)]


def _event(position: int, record: EventRecord) -> Row:
    return (
        position, record.user_id, record.event_id, record.item_id, record.type, record.occurred_at_ms,
        record.recorded_at_ms, record.dwell_seconds, record.shown_by,
    )  # fmt: skip


def _attributes(position: int, record: AttributesRecord) -> Iterator[Row]:
    for name, value in record.values.items():
        yield position, record.user_id, name, *_value(value), record.written_at_ms, record.recorded_at_ms


def _item_features(position: int, record: ItemFeaturesRecord) -> Iterator[Row]:
    for name, value in record.values.items():
        yield position, record.item_id, name, value, record.written_at_ms, record.recorded_at_ms


def _item(position: int, record: ItemRecord) -> Row:
    attributes = [
        dict(zip(("name", "text", "number"), (name, *_value(value)), strict=True))
        for name, value in record.attributes.items()
    ]
    return (
        position, record.item_id, record.withdrawn, record.changed_at_ms, record.title, list(record.categories),
        attributes, record.text,
    )  # fmt: skip


def _exposure(position: int, record: ExposureRecord) -> Row:
    return (
        position, record.request_id, record.user_id, record.snapshot_id, record.arm, record.shown_at_ms,
        list(record.item_ids), list(record.scores), list(record.propensities), list(record.channels),
        list(record.found_by), list(record.degraded),
    )  # fmt: skip


def _value(value: AttributeValue) -> tuple[str | None, float | None]:
    return (value, None) if isinstance(value, str) else (None, float(value))
