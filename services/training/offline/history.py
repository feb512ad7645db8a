"""What a user had done before a moment, as a list of items."""

from __future__ import annotations

import numpy as np
import polars as pl

from services.training.offline.as_of import as_of


def items_before(moments: pl.DataFrame, events: pl.DataFrame, most: int) -> pl.Series:
    """Lists for each moment the items of its user's last events before it, oldest first.

    Events are in the order of their times, those of the same time in the order of the log; what happens at the moment
    itself does not count. What came straight after the same item is one step with it, as in the history that is served.

    Args:
        moments: With the columns `user_id` and `at_ms`.
        events: With the columns `user_id`, `item_id`, `occurred_at_ms` and `position`; in any order.
        most: The most items of a list.

    Returns:
        Lists of item ids, one for each moment in their order; empty where nothing was before.
    """
    ordered = events.sort("user_id", "occurred_at_ms", "position")
    repeats = (pl.col("user_id") == pl.col("user_id").shift(1)) & (pl.col("item_id") == pl.col("item_id").shift(1))
    ordered = ordered.filter(~repeats.fill_null(False)).with_columns(position=pl.int_range(pl.len(), dtype=pl.Int64))
    first = ordered.group_by("user_id").agg(first=pl.col("position").min())
    last = as_of(
        moments,
        ordered.select("user_id", "occurred_at_ms", "position").join(first, on="user_id"),
        entity="user_id",
        known_at="occurred_at_ms",
        before=True,
    ).select(end=(pl.col("position") + 1).fill_null(0), first=pl.col("first").fill_null(0))
    ends = last["end"].to_numpy()
    lengths = np.minimum(ends - last["first"].to_numpy(), most)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    # Place p of the flat array is event end - length + (p - offset) of its moment.
    places = np.arange(offsets[-1]) + np.repeat(ends - lengths - offsets[:-1], lengths)
    flat = pl.DataFrame({
        "moment": np.repeat(np.arange(len(moments)), lengths),
        "item_id": ordered["item_id"].gather(places),
    })  # fmt: skip
    lists = flat.group_by("moment", maintain_order=True).agg("item_id")
    every = pl.DataFrame({"moment": np.arange(len(moments))})
    empty = pl.lit([], dtype=pl.List(pl.String()))
    joined = every.join(lists, on="moment", how="left", maintain_order="left")
    return joined.select(history=pl.col("item_id").fill_null(empty))["history"]
