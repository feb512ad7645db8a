"""What a data set has of each field that its views declare."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.training.counters import count_events
from services.training.datasets import Dataset, Item, User
from services.training.feature_values import expiring_attributes
from shared.feature_views import (
    CategoricalField,
    EmbeddingField,
    Entity,
    FeatureField,
    FeatureView,
    FloatField,
    IntField,
    SequenceField,
    fields_of,
    places,
)
from shared.features import AttributeValue


@dataclass(frozen=True, slots=True)
class FieldCoverage:
    """One field and the users or items that have it.

    Attributes:
        view: Its view.
        field: It.
        entities: How many users or items there are.
        present: How many of them have a value of the field's kind.
        wrong: How many have a value of another kind, or an embedding of another width.
        outside: How many have a text that the vocabulary lacks, or name an item that is not in the data set.
        expired: How many have a value that has outlived its time to live as of the newest event.
        example: A value that is wrong, with the id of who has it; empty where there is none.
    """

    view: FeatureView
    field: FeatureField
    entities: int
    present: int
    wrong: int = 0
    outside: int = 0
    expired: int = 0
    example: str = ""

    @property
    def coverage(self) -> float:
        """Share of the users or items that have a value of the field's kind, 0 to 1."""
        return self.present / self.entities


def measure_fields(dataset: Dataset) -> list[FieldCoverage]:
    """Measures every field of the data set's views, in their order. A field cannot be counted without times: nobody has it."""
    return [
        _counted(dataset, view, field)
        if isinstance(field, FloatField) and field.counter is not None
        else _written(dataset, view, field)
        for entity in ("user", "item")
        for view, field in fields_of(dataset.views(), entity)
    ]


def undeclared_attributes(dataset: Dataset, entity: Entity) -> list[str]:
    """Returns the attributes that users or items have and no view declares, in order of their names."""
    fields = [field for _, field in fields_of(dataset.views(), entity)]
    declared = {name for field in fields for name in field.attribute_names}
    lists = {field.name for field in fields if isinstance(field, (EmbeddingField, SequenceField))}
    found = {name for one in _entities(dataset, entity) for name in one.attributes} - declared
    # Places beyond the length of a sequence are left out on purpose, those beyond the width of an embedding are wrong.
    return sorted(name for name in found if name.rpartition("[")[0] not in lists)


def _entities(dataset: Dataset, entity: Entity) -> Sequence[User | Item]:
    return dataset.users if entity == "user" else dataset.items


def _counted(dataset: Dataset, view: FeatureView, field: FloatField) -> FieldCoverage:
    entities, events = len(_entities(dataset, view.entity)), dataset.interactions
    if field.counter is None or not events.timed:
        return FieldCoverage(view, field, entities, 0)
    counts = count_events(
        events,
        np.ones(len(events), dtype=np.bool_),
        by=view.entity,
        entities=entities,
        counter=field.counter,
        now_ms=int(events.timestamps.max()),
    )
    return FieldCoverage(view, field, entities, int(counts.counted.sum()))


def _written(dataset: Dataset, view: FeatureView, field: FeatureField) -> FieldCoverage:
    known = _known_texts(dataset, field)
    ttl_ms = expiring_attributes([view], view.entity).get(field.attribute_names[0], math.inf)
    newest_ms = int(dataset.interactions.timestamps.max()) if dataset.interactions.timed else 0
    present = wrong = outside = expired = 0
    example = ""
    entities = _entities(dataset, view.entity)
    for one in entities:
        values = _values(one.attributes, field)
        if not values:
            continue
        if not _fits(values, field):
            wrong += 1
            example = example or f"{one.id} has {values[0]!r}"
            continue
        present += 1
        outside += known is not None and any(value not in known for value in values)
        expired += one.updated_ms is not None and newest_ms - one.updated_ms > ttl_ms
    return FieldCoverage(view, field, len(entities), present, wrong, outside, expired, example)


def _values(attributes: Mapping[str, AttributeValue], field: FeatureField) -> list[AttributeValue]:
    names = places(field.name, field.width + 1) if isinstance(field, EmbeddingField) else field.attribute_names
    return [attributes[name] for name in names if name in attributes]


def _fits(values: Sequence[AttributeValue], field: FeatureField) -> bool:
    if isinstance(field, (CategoricalField, SequenceField)):
        return all(isinstance(value, str) for value in values)
    if isinstance(field, EmbeddingField) and len(values) != field.width:
        return False
    return all(
        isinstance(value, (int, float))
        and math.isfinite(value)
        and not (isinstance(field, IntField) and not float(value).is_integer())
        for value in values
    )


def _known_texts(dataset: Dataset, field: FeatureField) -> frozenset[AttributeValue] | None:
    """The texts that a field may hold; None where any will do."""
    if isinstance(field, (CategoricalField, SequenceField)) and field.vocabulary:
        return frozenset(field.vocabulary)
    if isinstance(field, SequenceField) and field.of == "item":
        return frozenset(item.id for item in dataset.items)
    return None
