"""What is stored and may reach no log: values of the fields that some view declares as never logged.

The databases have them and the log does not. What is acknowledged is in the databases, so a crash loses none of it; but a
store that has to be made anew from its log is made without them, and so is what training reads.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from shared.event_log.records import AttributesRecord, ItemFeaturesRecord, ItemRecord, Record
from shared.feature_views import Entity, FeatureView, fields_of
from shared.features import AttributeValue

Value = TypeVar("Value", bound=AttributeValue)


class NeverLogged:
    """Takes such values out of records on their way to the log. One thread may learn while others ask.

    A field stays so for a store whose any served version of any view said so: older values are still stored.
    """

    def __init__(self) -> None:
        self._users: frozenset[str] = frozenset()
        self._items: frozenset[str] = frozenset()

    def learn(self, definitions: Mapping[str, bytes]) -> None:
        """Learns from everything that a store remembers of views, as `DefinitionStore` has it."""
        views = [msgspec.json.decode(view, type=FeatureView) for view in definitions.values()]
        self._users, self._items = _names(views, "user"), _names(views, "item")

    def withhold(self, records: Sequence[Record]) -> list[Record]:
        """Returns the records as they may be logged; one that would say nothing is left out."""
        if not self._users and not self._items:
            return list(records)
        return [kept for record in records if (kept := self._withhold(record)) is not None]

    def of_item(self, attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
        """Returns those of an item's attributes that no record has."""
        return {name: value for name, value in attributes.items() if name in self._items}

    def _withhold(self, record: Record) -> Record | None:
        if isinstance(record, AttributesRecord) and not self._users.isdisjoint(record.values):
            values = _without(record.values, self._users)
            return msgspec.structs.replace(record, values=values) if values else None
        if isinstance(record, ItemRecord) and not self._items.isdisjoint(record.attributes):
            return msgspec.structs.replace(record, attributes=_without(record.attributes, self._items))
        if isinstance(record, ItemFeaturesRecord) and any(_field_of(name) in self._items for name in record.values):
            numbers = {name: number for name, number in record.values.items() if _field_of(name) not in self._items}
            return msgspec.structs.replace(record, values=numbers) if numbers else None
        return record


def _names(views: Sequence[FeatureView], entity: Entity) -> frozenset[str]:
    """The names of the fields and of the attributes that they are stored as."""
    return frozenset(
        name
        for view, field in fields_of(views, entity)
        if view.sensitivity == "never_logged"
        for name in (field.name, *field.attribute_names)
    )


def _field_of(feature: str) -> str:
    """The field that an item feature is made of, as `feature_views.columns.item_columns` calls features."""
    return feature.removesuffix(" missing").partition("=")[0]


def _without(values: Mapping[str, Value], names: frozenset[str]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name not in names}
