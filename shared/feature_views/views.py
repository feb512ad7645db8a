"""A feature view: fields of users or of items that one owner keeps, with how long they hold and who may see them."""

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from shared.feature_views.fields import Counter, FeatureField, FloatField

Entity = Literal["user", "item"]
Sensitivity = Literal["plain", "pseudonymous", "never_logged"]

#: The version of a view that nobody declared. It follows from the data and may change with them at any time.
DERIVED = 0
#: What the contracts let a user have.
MAX_USER_ATTRIBUTES = 64

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class FeatureView(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What training and serving alike know of some fields.

    Attributes:
        name: Unique in the data set; small letters, digits and underscores.
        entity: Whose fields they are.
        version: Raised with every change of the definition; `DERIVED` for a view that nobody declared.
        owner: Whom to ask.
        description: For people.
        ttl_seconds: How long after it was written a value may be used; 0 for ever. What has outlived it counts as missing,
            in training as in serving.
        sensitivity: "plain"; "pseudonymous": a mark for people and their programs; "never_logged": in no event log and no
            line of any log.
        fields: In the order of the features that they become.
    """

    name: str
    entity: Entity
    version: int = 1
    owner: str = ""
    description: str = ""
    ttl_seconds: float = 0.0
    sensitivity: Sensitivity = "plain"
    fields: tuple[FeatureField, ...] = ()

    def __post_init__(self) -> None:
        """Refuses what no declaration may say."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name is {self.name!r}; it must be 1 to 64 small letters, digits and _, a letter first")
        if self.version < DERIVED:
            raise ValueError(f"version is {self.version}; it must be 1 or more")
        if not (math.isfinite(self.ttl_seconds) and self.ttl_seconds >= 0):
            raise ValueError(f"ttl is {self.ttl_seconds}; it must be 0 or more seconds")

    def definition(self) -> dict[str, object]:
        """Returns what may not change within a version, in plain types: all but name, version, owner and description."""
        return {
            "entity": self.entity,
            "ttl_seconds": self.ttl_seconds,
            "sensitivity": self.sensitivity,
            "fields": {field.name: msgspec.to_builtins(field) for field in self.fields},
            "order": [field.name for field in self.fields],
        }

    def digest(self) -> str:
        """Returns the SHA-256 of name, version and definition, in hexadecimal."""
        return hashlib.sha256(_canonical([self.name, self.version, self.definition()])).hexdigest()


def digest(views: Sequence[FeatureView]) -> str:
    """Returns the SHA-256 of all the views' digests in their order, in hexadecimal: one word for a whole declaration."""
    return hashlib.sha256(_canonical([view.digest() for view in views])).hexdigest()


def fields_of(views: Sequence[FeatureView], entity: Entity) -> Iterator[tuple[FeatureView, FeatureField]]:
    """Yields the fields of users or items, each with its view, in the order of the features that they become."""
    return ((view, field) for view in views if view.entity == entity for field in view.fields)


def counters_of(views: Sequence[FeatureView], entity: Entity) -> dict[str, Counter]:
    """Returns how each counted field of users or items is counted, by the field's name."""
    return {
        field.name: field.counter
        for _, field in fields_of(views, entity)
        if isinstance(field, FloatField) and field.counter is not None
    }


def attributes_with(views: Sequence[FeatureView], entity: Entity, sensitivity: Sensitivity) -> frozenset[str]:
    """Returns the names of the stored attributes of users or items whose view has this sensitivity.

    Those of "never_logged" must not reach the event log or any line of a log.
    """
    return frozenset(
        name
        for view, field in fields_of(views, entity)
        if view.sensitivity == sensitivity
        for name in field.attribute_names
    )


def _canonical(value: object) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
