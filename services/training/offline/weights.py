"""How much events count, as expressions over the columns of events."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from shared.events import DWELL_UNIT_SECONDS, MAX_DWELL_UNITS, EventType, EventWeights


def weight_of(weights: Mapping[EventType, float]) -> pl.Expr:
    """Returns what each event counts, from its `type` and `dwell_seconds`, as `EventWeights.of` says it for one.

    Args:
        weights: By type, of a dwell that of one minute; types that are not named count 0.
    """
    by_type = pl.col("type").replace_strict(
        {int(kind): weight for kind, weight in weights.items()}, default=0.0, return_dtype=pl.Float64
    )
    units = (pl.col("dwell_seconds") / DWELL_UNIT_SECONDS).clip(upper_bound=MAX_DWELL_UNITS)
    return by_type * pl.when(pl.col("type") == int(EventType.DWELL)).then(units).otherwise(1.0)


def weights_by_type(weights: EventWeights) -> dict[EventType, float]:
    """Returns the weight of each type, of a dwell that of one minute."""
    return {kind: weights.of(kind, DWELL_UNIT_SECONDS) for kind in EventType}
