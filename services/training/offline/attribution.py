"""Which showing of an item an event is owed to."""

from __future__ import annotations

import polars as pl

from services.training.offline.as_of import as_of
from shared.events import EventType


def shown_items(exposures: pl.DataFrame) -> pl.DataFrame:
    """Returns a row for each item of each exposure; an item that one shows twice counts at its first place.

    Args:
        exposures: As in the table, each request id once.

    Returns:
        The columns of the table, but of the parallel lists one element a row: `item_id`, `place` from 1, `score`,
        `propensity`, `found_by`.
    """
    places = pl.int_ranges(1, pl.col("item_ids").list.len() + 1, dtype=pl.UInt32)
    lists = ["item_ids", "scores", "propensities", "found_by", "place"]
    rows = exposures.with_columns(place=places).explode(lists)
    items = rows.rename({"item_ids": "item_id", "scores": "score", "propensities": "propensity"})
    return items.unique(["request_id", "item_id"], keep="first", maintain_order=True)


def attributed(shown: pl.DataFrame, events: pl.DataFrame, window_ms: int) -> pl.DataFrame:
    """Finds the showing that each event is owed to.

    An event that names the request which showed the item is owed to that answer, whatever the clocks say, unless the answer
    was made for another user or does not have the item: then it is owed to none. An event that names no request is owed to
    the last time its user was shown the item, at its moment or before, if that is no longer ago than the window; of two
    showings at the same moment, to the one later in the log. Impressions are owed to none: that an item was shown is known.

    Args:
        shown: As from `shown_items`.
        events: As in the table.
        window_ms: How long after a showing an event may be owed to it without naming it.

    Returns:
        The events that are owed to a showing, with its `request_id`.
    """
    acts = events.filter(pl.col("type") != int(EventType.IMPRESSION))
    named = acts.filter(pl.col("shown_by") != "").join(
        shown.select("item_id", "request_id", shown_to="user_id"),
        left_on=["shown_by", "item_id"],
        right_on=["request_id", "item_id"],
    )
    # An answer to nobody in particular may be acted upon by whoever then says who they are.
    made_for_them = (pl.col("shown_to") == "") | (pl.col("shown_to") == pl.col("user_id"))
    by_name = named.filter(made_for_them).select(*events.columns, request_id="shown_by")
    return pl.concat([by_name, _last_shown(shown, acts.filter(pl.col("shown_by") == ""), window_ms)])


def _last_shown(shown: pl.DataFrame, acts: pl.DataFrame, window_ms: int) -> pl.DataFrame:
    """The events that name no request, with the last one that showed them to their user within the window."""
    pair = ("user_id", "item_id")
    moments = acts.select(*pair, at_ms="occurred_at_ms")
    history = shown.filter(pl.col("user_id") != "").select(*pair, "shown_at_ms", "position", "request_id")
    last = as_of(moments, history, entity=pair, known_at="shown_at_ms")
    found = pl.concat([acts, last.select("request_id", "shown_at_ms")], how="horizontal")
    return found.filter(pl.col("occurred_at_ms") - pl.col("shown_at_ms") <= window_ms).drop("shown_at_ms")
