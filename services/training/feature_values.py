"""The values that features are made of: attributes that still hold, and counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.training.counters import count_events, events_in
from services.training.datasets import Dataset, DatasetError, Item, Sequences, User
from shared.feature_views import Entity, FeatureView, counters_of, fields_of
from shared.features import AttributeValue

Values = dict[str, AttributeValue]


def feature_values(dataset: Dataset, views: Sequence[FeatureView], fit: Sequences, entity: Entity) -> list[Values]:
    """Returns what is known of each user or item, by attribute and by the names of counted fields.

    The moment of a data set is its newest event. An attribute whose view's time to live had run out by then is left out,
    where the data set says when it was updated; so is the count of what had no event.

    Args:
        dataset: The entities and the events.
        views: The declaration.
        fit: The first events of each user's history; nothing after them is counted.
        entity: Whose values.

    Raises:
        DatasetError: a field is counted, and the data set has no times to count by.
    """
    entities: Sequence[User | Item] = dataset.users if entity == "user" else dataset.items
    values: list[Values] = [dict(one.attributes) for one in entities]
    if not dataset.interactions.timed:
        _refuse_counters(views, entity)
        return values
    now_ms = int(dataset.interactions.timestamps.max())
    _drop_expired(values, entities, expiring_attributes(views, entity), now_ms)
    _add_counts(values, dataset, views, events_in(dataset.interactions, fit), entity)
    return values


def expiring_attributes(views: Sequence[FeatureView], entity: Entity) -> dict[str, float]:
    """Returns how long each attribute holds that does not hold for ever, in milliseconds."""
    return {
        name: view.ttl_seconds * 1000
        for view, field in fields_of(views, entity)
        if view.ttl_seconds
        for name in field.attribute_names
    }


def _drop_expired(
    values: Sequence[Values], entities: Sequence[User | Item], ttl_ms: dict[str, float], now_ms: int
) -> None:
    for known, one in zip(values, entities, strict=True):
        if one.updated_ms is None:
            continue
        for name, holds_ms in ttl_ms.items():
            if now_ms - one.updated_ms > holds_ms:
                known.pop(name, None)


def _add_counts(
    values: Sequence[Values],
    dataset: Dataset,
    views: Sequence[FeatureView],
    learnt: npt.NDArray[np.bool_],
    entity: Entity,
) -> None:
    # As of the newest event that may be learnt from, for what comes later must change nothing.
    now_ms = int(dataset.interactions.timestamps[learnt].max(initial=0))
    for name, counter in counters_of(views, entity).items():
        counts = count_events(
            dataset.interactions, learnt, by=entity, entities=len(values), counter=counter, now_ms=now_ms
        )
        for known, total, counted in zip(values, counts.sums.tolist(), counts.counted.tolist(), strict=True):
            known.pop(name, None)
            if counted:
                known[name] = total


def _refuse_counters(views: Sequence[FeatureView], entity: Entity) -> None:
    for view, field in fields_of(views, entity):
        if field.name in counters_of([view], entity):
            raise DatasetError(
                f"field {field.name} of view {view.name} is counted, but the events of this data set have no times",
                remedy="Bring events with times, or remove the field.",
            )
