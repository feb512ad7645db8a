"""The columns of features: value, and where asked for state and age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from services.training.offline.as_of import as_of
from services.training.offline.decay import decayed_sums_before
from services.training.offline.features import EXPIRED, MISSING, PRESENT, Counted, Entity, Feature, Written
from services.training.offline.weights import weight_of

STATE_SUFFIX = ":state"
AGE_SUFFIX = ":age_ms"


@dataclass(frozen=True, slots=True)
class Histories:
    """What was written of some users or items, and what they did or what was done with them.

    Attributes:
        attributes: `entity`_id, name, text, number, written_at_ms, position; where a row has neither text nor number, the
            attribute was taken away.
        item_features: item_id, name, number, written_at_ms, position.
        events: `entity`_id, type, occurred_at_ms, dwell_seconds, position.
    """

    attributes: pl.DataFrame
    item_features: pl.DataFrame
    events: pl.DataFrame


def feature_columns(
    moments: pl.DataFrame, histories: Histories, features: Sequence[Feature], *, states: bool
) -> pl.DataFrame:
    """Adds the columns of features of one kind of entity.

    Args:
        moments: With the columns `user_id` or `item_id`, and `at_ms`.
        histories: All that there is about these users or items.
        features: All of the same entity.
        states: Whether to add for each column its state (`PRESENT`, `MISSING` or `EXPIRED`; of the latter two the value is
            the default) and its age in milliseconds (of what is present or expired; null where nothing was written).

    Returns:
        The moments with these columns beside their own.
    """
    columns: list[pl.Series] = []
    for feature in features:
        entity = f"{feature.entity}_id"
        if isinstance(feature, Written):
            found = as_of(moments, _written(histories, feature), entity=entity, known_at="written_at_ms")
            value = found[feature.kind]
        else:
            found = decayed_sums_before(
                moments, _counted(histories.events, feature), entity=entity, half_life_ms=feature.half_life_ms
            )
            value = found["number"]
        columns += _with_default(feature, value, moments["at_ms"] - found["written_at_ms"], states=states)
    return moments.with_columns(columns)


def of_entity(features: Sequence[Feature], entity: Entity) -> tuple[Feature, ...]:
    """Returns the features of users or those of items."""
    return tuple(feature for feature in features if feature.entity == entity)


def _written(histories: Histories, feature: Written) -> pl.DataFrame:
    source = histories.item_features if feature.source == "item_features" else histories.attributes
    return source.filter(pl.col("name") == feature.name).select(
        f"{feature.entity}_id", feature.kind, "written_at_ms", "position"
    )


def _counted(events: pl.DataFrame, feature: Counted) -> pl.DataFrame:
    of_types = events.filter(pl.col("type").is_in([int(kind) for kind in feature.weights]))
    return of_types.select(f"{feature.entity}_id", "occurred_at_ms", "position", weight=weight_of(feature.weights))


def _with_default(feature: Feature, value: pl.Series, age_ms: pl.Series, *, states: bool) -> list[pl.Series]:
    """The value with the default in the place of what may not be used, and where asked for its state and age."""
    frame = pl.DataFrame({"value": value, "age": age_ms})
    expired = (pl.col("age") > feature.ttl_ms) if feature.ttl_ms else pl.lit(False)
    # A value of the wrong kind, or one that was taken away, was written and is missing all the same.
    state = (
        pl.when(pl.col("value").is_null()).then(MISSING).when(expired).then(EXPIRED).otherwise(PRESENT).cast(pl.UInt8)
    )
    default = pl.lit(feature.default, dtype=value.dtype)
    computed = frame.select(
        pl.when(state == PRESENT).then("value").otherwise(default).alias(feature.column),
        state.alias(feature.column + STATE_SUFFIX),
        (pl.when(pl.col("value").is_not_null()).then("age")).alias(feature.column + AGE_SUFFIX),
    )
    return computed.get_columns() if states else computed.get_columns()[:1]
