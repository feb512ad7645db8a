"""The values that hold now, in the order of the log, for a store that is to have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import polars as pl

from services.training.offline.store import OfflineStore
from shared.features import AttributeValue

Values = Literal["attributes", "item_features"]


@dataclass(frozen=True, slots=True)
class CurrentValue:
    """What one write left that no later one replaced.

    Attributes:
        position: Of the write in the log.
        entity_id: The user or the item.
        values: By name; not all that was written, where some has been replaced since.
        written_at_ms: When the values came to be.
    """

    position: int
    entity_id: str
    values: dict[str, AttributeValue]
    written_at_ms: int


def current_values(
    store: OfflineStore, table: Values, *, after: int, since_ms: int
) -> tuple[int, Iterator[CurrentValue]]:
    """Finds the values that were written last, of each user or item and name.

    Args:
        store: Where the histories are.
        table: Attributes of users, or features of items.
        after: Only of writes after this position.
        since_ms: Only values of this time or later.

    Returns:
        How many writes there are, and each in the order of the log.
    """
    entity = "user_id" if table == "attributes" else "item_id"
    last = store.scan(table).sort("written_at_ms", "position").unique([entity, "name"], keep="last")
    kept = last.filter((pl.col("position") > after) & (pl.col("written_at_ms") >= since_ms)).sort("position", "name")
    rows = kept.collect()
    return rows["position"].n_unique(), _writes(rows, entity)


def _writes(rows: pl.DataFrame, entity: str) -> Iterator[CurrentValue]:
    def position(row: dict[str, Any]) -> int:
        found: int = row["position"]
        return found

    for at, write in groupby(rows.iter_rows(named=True), key=position):
        several = list(write)
        values = {row["name"]: row["number"] if row.get("text") is None else row["text"] for row in several}
        yield CurrentValue(at, several[0][entity], values, several[0]["written_at_ms"])
