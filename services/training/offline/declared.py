"""From the declared feature views to columns of a training set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.training.offline.features import Counted, Feature, Written
from shared.events import DWELL_UNIT_SECONDS, EventWeights
from shared.feature_views import CategoricalField, FeatureView, FloatField, SequenceField
from shared.feature_views.fields import FeatureField, defaults

#: The end of the column that has what WriteItemFeatures wrote, beside the raw attribute of the same name.
WRITTEN_SUFFIX = ".written"


def features_of(views: Sequence[FeatureView], weights: EventWeights) -> tuple[Feature, ...]:
    """Returns a column for each attribute and each counted number of the views, named `view.field`.

    An embedding or a sequence has a column for each place, `view.field[0]` and so on, as it is stored. A number of an item
    has a second column, `view.field.written`, for what was written over the snapshots' features; it is in the units that
    models take, while the first one is in those of the data.

    Args:
        views: The declaration.
        weights: How much an event counts in counters.
    """
    return tuple(feature for view in views for field in view.fields for feature in _features_of(view, field, weights))


def _features_of(view: FeatureView, field: FeatureField, weights: EventWeights) -> Iterator[Feature]:
    ttl_ms = view.ttl_seconds * 1000
    if isinstance(field, FloatField) and field.counter is not None:
        counter = field.counter
        yield Counted(
            column=f"{view.name}.{field.name}",
            entity=view.entity,
            weights={kind: weights.of(kind, DWELL_UNIT_SECONDS) for kind in counter.types},
            half_life_ms=counter.half_life_seconds * 1000,
            ttl_ms=ttl_ms,
            default=field.default,
        )
        return
    is_text = isinstance(field, (CategoricalField, SequenceField))
    for name, default in zip(field.attribute_names, defaults(field), strict=True):
        column = f"{view.name}.{name}"
        yield Written(column, view.entity, name, "text" if is_text else "number", ttl_ms, default)
        if view.entity == "item" and not is_text:
            yield Written(column + WRITTEN_SUFFIX, "item", name, "number", ttl_ms, source="item_features")
