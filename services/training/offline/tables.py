"""The tables of an offline store: their names and columns.

`position` is where the record ends in the log: a later record has a greater one. Times are milliseconds since 1970, UTC.
A record that holds several things makes several rows of the same position.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import polars as pl

Table = Literal["events", "attributes", "item_features", "items", "exposures"]

#: A string or a number; exactly one of the two is set.
_VALUE: Mapping[str, pl.DataType] = MappingProxyType({"text": pl.String(), "number": pl.Float64()})

#: The columns of each table, in order.
COLUMNS: Mapping[Table, pl.Schema] = MappingProxyType(
    {
        "events": pl.Schema(
            {
                "position": pl.Int64(),
                "user_id": pl.String(),
                "event_id": pl.String(),
                "item_id": pl.String(),
                "type": pl.UInt8(),
                "occurred_at_ms": pl.Int64(),
                "recorded_at_ms": pl.Int64(),
                "dwell_seconds": pl.Float64(),
                "shown_by": pl.String(),
            }
        ),
        "attributes": pl.Schema(
            {
                "position": pl.Int64(),
                "user_id": pl.String(),
                "name": pl.String(),
                **_VALUE,
                "written_at_ms": pl.Int64(),
                "recorded_at_ms": pl.Int64(),
            }
        ),
        "item_features": pl.Schema(
            {
                "position": pl.Int64(),
                "item_id": pl.String(),
                "name": pl.String(),
                "number": pl.Float64(),
                "written_at_ms": pl.Int64(),
                "recorded_at_ms": pl.Int64(),
            }
        ),
        "items": pl.Schema(
            {
                "position": pl.Int64(),
                "item_id": pl.String(),
                "withdrawn": pl.Boolean(),
                "changed_at_ms": pl.Int64(),
                "title": pl.String(),
                "categories": pl.List(pl.String()),
                "attributes": pl.List(pl.Struct({"name": pl.String(), **_VALUE})),
                "text": pl.String(),
            }
        ),
        "exposures": pl.Schema(
            {
                "position": pl.Int64(),
                "request_id": pl.String(),
                "user_id": pl.String(),
                "snapshot_id": pl.String(),
                "arm": pl.String(),
                "shown_at_ms": pl.Int64(),
                "item_ids": pl.List(pl.String()),
                "scores": pl.List(pl.Float64()),
                "propensities": pl.List(pl.Float64()),
                "channels": pl.List(pl.String()),
                "found_by": pl.List(pl.UInt32()),
                "degraded": pl.List(pl.String()),
            }
        ),
    }
)

TABLES: tuple[Table, ...] = tuple(COLUMNS)
