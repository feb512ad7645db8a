"""A data set continued by what the log has of items, users and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from services.training.datasets import Dataset, Interactions, Item
from services.training.offline.latest import catalogue_of_now, users_of_now
from services.training.offline.store import OfflineStore
from shared.events import HISTORY_TYPES, SEEN_TYPES, EventType

#: What a data set is called that is nothing but a log.
LOG_NAME = "log"


@dataclass(frozen=True, slots=True, eq=False)
class Continued:
    """A data set with what came after it.

    Attributes:
        dataset: To train on.
        sizes: What the log brought, by what reports call it.
    """

    dataset: Dataset
    sizes: Mapping[str, int]


def continue_dataset(dataset: Dataset | None, store: OfflineStore) -> Continued:
    """Merges a data set with the log.

    - Items: the last change of each counts. What was upserted joins the catalogue or replaces what it said; what was
      withdrawn leaves it, with all that was done with it. An item of the data set that says it was updated later stays.
    - Users: attributes as they were written last, under the same rule; what had outlived its time to live by the newest
      event counts as missing. Whoever did something joins.
    - Events: all that tell of a user and an item of the catalogue, but impressions. An event of the same user, item, time
      and type is the same event; so is one of the log that the data set has, whatever type an import gave it. What a user
      does with an item straight after having met it, as a dwell or a like after a click, is part of that meeting: it is
      counted in features, but does not join the history again, for an item that always follows itself would be all that a
      model of next items learns, and is what a recommender never shows.

    Args:
        dataset: What the log continues; None where there is nothing but the log.
        store: The log's tables.

    Raises:
        DatasetError: all together is too little to train on.
    """
    catalogue = catalogue_of_now(dataset.items if dataset else (), store)
    users = users_of_now(dataset, store)
    users_by_id = {user.id: row for row, user in enumerate(users)}
    interactions, brought = _interactions(dataset, catalogue.items, users_by_id, store)
    merged = Dataset.build(
        name=dataset.name if dataset else LOG_NAME,
        items=catalogue.items,
        users=users,
        interactions=interactions,
        declared_views=dataset.declared_views if dataset else None,
    )
    sizes = {"events from the log": brought, "items from the log": catalogue.joined, "items withdrawn": catalogue.left}
    return Continued(merged, sizes)


def _interactions(
    dataset: Dataset | None, items: tuple[Item, ...], users: Mapping[str, int], store: OfflineStore
) -> tuple[Interactions, int]:
    rows = {item.id: row for row, item in enumerate(items)}
    known = _known_events(dataset, rows)
    logged = _logged_events(store, users, rows)
    key = ["user", "item", "at_ms"]
    new = logged.unique([*key, "type"], keep="first", maintain_order=True).join(known, on=[*key, "viewed"], how="anti")
    events = pl.concat([known, new.select(known.columns)])
    # Sorted as `Interactions.build` sorts, so that what follows straight on something is the row after it.
    events = events.with_row_index("row").sort("user", "at_ms", "row")
    events = events.with_columns(viewed=pl.col("viewed") & ~_continues_a_meeting(events))
    built = Interactions.build(
        users=events["user"].to_numpy(),
        items=events["item"].to_numpy(),
        timestamps=events["at_ms"].to_numpy(),
        liked=events["liked"].to_numpy(),
        viewed=events["viewed"].to_numpy(),
        types=events["type"].to_numpy(),
    )
    return replace(built, timed=dataset is None or dataset.interactions.timed), len(new)


def _known_events(dataset: Dataset | None, rows: Mapping[str, int]) -> pl.DataFrame:
    """The data set's own events, without those of items that left."""
    schema = {
        "user": pl.Int32, "item": pl.Int32, "at_ms": pl.Int64, "type": pl.Int8, "liked": pl.Boolean, "viewed": pl.Boolean,
        "logged": pl.Boolean,
    }  # fmt: skip
    if dataset is None:
        return pl.DataFrame(schema=schema)
    interactions = dataset.interactions
    row_now = np.asarray([rows.get(item.id, -1) for item in dataset.items], dtype=np.int32)
    columns = {
        "user": interactions.users, "item": row_now[interactions.items], "at_ms": interactions.timestamps,
        "type": interactions.types, "liked": interactions.liked, "viewed": interactions.viewed,
        "logged": np.zeros(len(interactions), dtype=np.bool_),
    }  # fmt: skip
    return pl.DataFrame(columns, schema=schema).filter(pl.col("item") >= 0)


def _logged_events(store: OfflineStore, users: Mapping[str, int], rows: Mapping[str, int]) -> pl.DataFrame:
    """The log's events in its order, of the items that are in the catalogue."""

    def row_of(column: str, known: Mapping[str, int]) -> pl.Expr:
        return pl.col(column).replace_strict(known, default=None, return_dtype=pl.Int32)

    events = store.scan("events").filter(pl.col("type").is_in(sorted(map(int, SEEN_TYPES)))).sort("position").collect()
    return events.select(
        user=row_of("user_id", users),
        item=row_of("item_id", rows),
        at_ms="occurred_at_ms",
        type=pl.col("type").cast(pl.Int8),
        liked=pl.col("type") != int(EventType.DISLIKE),
        viewed=pl.col("type").is_in(sorted(map(int, HISTORY_TYPES))),
        logged=pl.lit(True),
    ).drop_nulls()


def _continues_a_meeting(events: pl.DataFrame) -> pl.Series:
    """Which logged events joined the history straight after one of the same user and item: bool [n]."""
    joins = events.filter(pl.col("viewed"))
    same = (pl.col("user") == pl.col("user").shift(1)) & (pl.col("item") == pl.col("item").shift(1))
    again = joins.filter(pl.col("logged") & same)["row"]
    return events["row"].is_in(again.implode())
