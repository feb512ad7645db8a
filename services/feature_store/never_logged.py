"""What the log may not have: the attributes that a feature view marks as never logged."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from shared.event_log.records import AttributesRecord, ItemFeaturesRecord, ItemRecord, Record
from shared.feature_views import Entity

Value = TypeVar("Value")


class NeverLogged:
    """Takes out of records what may not be in the log; the store keeps it in its databases all the same.

    What was logged before a view said so stays in the log until its retention drops it. A write that a crash cuts off between
    the log and the databases is replayed without these attributes; it was not acknowledged, and whoever repeats it mends that.
    """

    def __init__(self) -> None:
        self._names: Callable[[Entity], frozenset[str]] = _none

    def follow(self, names: Callable[[Entity], frozenset[str]]) -> None:
        """From now on asks `names` for the attributes of users and of items, each time: a new snapshot may add some."""
        self._names = names

    def strip(self, records: Iterable[Record]) -> list[Record]:
        """Returns the records without these attributes, and none of which nothing is left."""
        of_users, of_items = self._names("user"), self._names("item")
        if not of_users and not of_items:
            return list(records)
        return [left for record in records if (left := _stripped(record, of_users, of_items)) is not None]


def _stripped(record: Record, of_users: frozenset[str], of_items: frozenset[str]) -> Record | None:
    if isinstance(record, AttributesRecord):
        values = _without(record.values, of_users)
        return msgspec.structs.replace(record, values=values) if values else None
    if isinstance(record, ItemFeaturesRecord):
        numbers = _without(record.values, of_items)
        return msgspec.structs.replace(record, values=numbers) if numbers else None
    if isinstance(record, ItemRecord):
        return msgspec.structs.replace(record, attributes=_without(record.attributes, of_items))
    return record


def _without(values: dict[str, Value], names: frozenset[str]) -> dict[str, Value]:
    # A feature of a text is called `name=text`.
    return {name: value for name, value in values.items() if name.partition("=")[0] not in names}


def _none(_entity: Entity) -> frozenset[str]:
    return frozenset()
