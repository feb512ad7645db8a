"""What a training set can have a column for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.events import EventType
from shared.features import AttributeValue

Entity = Literal["user", "item"]

#: What became of a column's value, as in the feature store's contract.
PRESENT, MISSING, EXPIRED = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Written:
    """An attribute as it was last written.

    Attributes:
        column: In the training set.
        entity: Whose it is.
        name: Of the attribute.
        kind: Values of another kind count as missing, and hide older ones all the same.
        ttl_ms: How old a value may be; 0 for any age.
        default: Stands in for what is missing or expired; None leaves it null.
        source: "attributes" of users, or of items as they were upserted; "item_features", as WriteItemFeatures wrote them.
    """

    column: str
    entity: Entity
    name: str
    kind: Literal["text", "number"]
    ttl_ms: float = 0.0
    default: AttributeValue | None = None
    source: Literal["attributes", "item_features"] = "attributes"


@dataclass(frozen=True, slots=True)
class Counted:
    """A number that is counted from events: the sum of their weights, each halved with every half-life that has passed.

    Attributes:
        column: In the training set.
        entity: Whose events count.
        weights: How much an event of each type counts; other types do not. A dwell counts its weight once a minute, five
            times at most.
        half_life_ms: Above 0.
        ttl_ms: How long ago the last event may have been; 0 for ever.
        default: Stands in where no event was, or none lately; None leaves it null.
    """

    column: str
    entity: Entity
    weights: Mapping[EventType, float]
    half_life_ms: float
    ttl_ms: float = 0.0
    default: float | None = None


Feature = Written | Counted
