"""Items and users as they are now: what was written last counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from services.training.datasets import Dataset, Item, User
from services.training.feature_values import expiring_attributes
from services.training.offline.store import OfflineStore
from shared.features import AttributeValue


@dataclass(frozen=True, slots=True, eq=False)
class CatalogueNow:
    """The catalogue after all changes.

    Attributes:
        items: What the data set has and was not withdrawn, in its order, then what joined, in the order of the log.
        joined: How many joined.
        left: How many left.
    """

    items: tuple[Item, ...]
    joined: int
    left: int


def catalogue_of_now(items: Iterable[Item], store: OfflineStore) -> CatalogueNow:
    """Applies the last change of each item.

    Args:
        items: The catalogue before.
        store: The changes.
    """
    before = {item.id: item for item in items}
    now = dict(before)
    changes = store.scan("items").sort("changed_at_ms", "position").collect()
    first = changes.group_by("item_id").agg(pl.col("position").min().alias("first"))
    last = changes.unique("item_id", keep="last").join(first, on="item_id").sort("first")
    for change in last.iter_rows(named=True):
        known = before.get(change["item_id"])
        if known and known.updated_ms is not None and known.updated_ms > change["changed_at_ms"]:
            continue
        if change["withdrawn"]:
            now.pop(change["item_id"], None)
            continue
        now[change["item_id"]] = Item(
            id=change["item_id"],
            title=change["title"],
            categories=tuple(change["categories"]),
            text=change["text"],
            attributes={one["name"]: _value(one["text"], one["number"]) for one in change["attributes"]},
            updated_ms=change["changed_at_ms"],
        )
    return CatalogueNow(tuple(now.values()), len(now.keys() - before.keys()), len(before.keys() - now.keys()))


def users_of_now(dataset: Dataset | None, store: OfflineStore) -> list[User]:
    """Returns everybody with the attributes that hold: the data set's users in their order, then the log's in its order.

    Args:
        dataset: Those known before, and the views that say how long what holds; None where there are none.
        store: What was written since, and who did something.
    """
    known = {user.id: user for user in dataset.users} if dataset else {}
    values: dict[str, dict[str, tuple[AttributeValue, int | None]]] = {
        user.id: {name: (value, user.updated_ms) for name, value in user.attributes.items()} for user in known.values()
    }
    written = store.scan("attributes").sort("written_at_ms", "position").collect()
    appeared = pl.concat([
        store.scan("attributes").select("user_id", "position"), store.scan("events").select("user_id", "position"),
    ]).sort("position").unique("user_id", keep="first", maintain_order=True).collect()  # fmt: skip
    for user_id in appeared["user_id"]:
        values.setdefault(user_id, {})
    touched: set[str] = set()
    for row in written.iter_rows(named=True):
        user = known.get(row["user_id"])
        if user is None or user.updated_ms is None or user.updated_ms <= row["written_at_ms"]:
            values[row["user_id"]][row["name"]] = _value(row["text"], row["number"]), row["written_at_ms"]
            touched.add(row["user_id"])
    expired = _Expiry(dataset, store)
    return [
        User(user_id, {name: value for name, (value, at) in attributes.items() if expired.holds(name, at)})
        if user_id in touched or user_id not in known
        else known[user_id]
        for user_id, attributes in values.items()
    ]


class _Expiry:
    """Says of an attribute whether it holds at the newest event, as `feature_values` says it of a whole user."""

    def __init__(self, dataset: Dataset | None, store: OfflineStore) -> None:
        self._ttl_ms = expiring_attributes(dataset.views(), "user") if dataset and dataset.interactions.timed else {}
        logged = store.scan("events").select(pl.col("occurred_at_ms").max()).collect().item()
        known = int(dataset.interactions.timestamps.max()) if dataset else 0
        self._now_ms = max(known, logged or 0)

    def holds(self, name: str, written_at_ms: int | None) -> bool:
        ttl_ms = self._ttl_ms.get(name)
        return ttl_ms is None or written_at_ms is None or self._now_ms - written_at_ms <= ttl_ms


def _value(text: str | None, number: float | None) -> AttributeValue:
    if text is not None:
        return text
    assert number is not None, "a value is a text or a number"  # noqa: S101 - the table's columns are written so
    return number
