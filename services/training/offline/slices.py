"""Slices of an offline store: all that there is about some users, or some items, at a size that memory holds."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from services.training.offline.columns import Histories
from services.training.offline.features import Counted, Entity, Feature, Written
from services.training.offline.store import OfflineStore
from shared.events import HISTORY_TYPES, EventType

_SEED = 20_261


def slice_of(column: str, slices: int) -> pl.Expr:
    """Returns the number of the slice that an id belongs to, from 0: the same for every table of a run."""
    return (pl.col(column).hash(seed=_SEED) % slices).cast(pl.UInt32)


class StoreSlices:
    """Reads a store slice by slice; it sees the store as it was when it was made.

    Args:
        store: The store.
        features: What the histories are for: nothing else is read.
        slices: How many.
        with_history: Whether users' events are read that make their history.
    """

    def __init__(self, store: OfflineStore, features: Sequence[Feature], slices: int, *, with_history: bool) -> None:
        self._features = features
        self._slices = slices
        self._with_history = with_history
        self._events = store.scan("events")
        self._attributes = store.scan("attributes")
        self._item_features = store.scan("item_features")
        self._items = store.scan("items")

    def histories(self, entity: Entity, number: int) -> Histories:
        """Returns all that there is about the users or items of one slice."""
        attributes = self._user_attributes() if entity == "user" else self._item_attributes()
        written = self._item_features.filter(pl.col("name").is_in(self._names(entity, "item_features")))
        ours = slice_of(f"{entity}_id", self._slices) == number
        return Histories(
            attributes=attributes.filter(ours).collect(),
            item_features=written.filter(slice_of("item_id", self._slices) == number).collect(),
            events=self._events_of(entity).filter(ours).collect(),
        )

    def _user_attributes(self) -> pl.LazyFrame:
        return self._attributes.filter(pl.col("name").is_in(self._names("user", "attributes"))).drop("recorded_at_ms")

    def _item_attributes(self) -> pl.LazyFrame:
        """The attributes of items, one by one; a change takes away those that it does not name."""
        changes = self._items.select("item_id", "position", "attributes", written_at_ms="changed_at_ms")
        values = (
            changes.select("position", "attributes")
            .explode("attributes")
            .select("position", pl.col("attributes").struct.unnest())
        )
        names = pl.LazyFrame({"name": self._names("item", "attributes")}, schema={"name": pl.String})
        named = changes.drop("attributes").join(names, how="cross")
        return named.join(values, on=["position", "name"], how="left")

    def _events_of(self, entity: Entity) -> pl.LazyFrame:
        types: set[EventType] = set()
        for feature in self._features:
            if isinstance(feature, Counted) and feature.entity == entity:
                types |= set(feature.weights)
        if entity == "user" and self._with_history:
            types |= HISTORY_TYPES
        of_types = self._events.filter(pl.col("type").is_in(sorted(map(int, types))))
        columns = ["occurred_at_ms", "position", "type", "dwell_seconds"]
        return of_types.select(*(["user_id", "item_id"] if entity == "user" else ["item_id"]), *columns)

    def _names(self, entity: Entity, source: str) -> list[str]:
        return sorted({
            feature.name
            for feature in self._features
            if isinstance(feature, Written) and feature.entity == entity and feature.source == source
        })  # fmt: skip
