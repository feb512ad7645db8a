"""Which of a user's stored values may still be used, which are replaced by their defaults, and why."""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.feature_store.stored_user import StoredUser
from shared.features import AttributeValue, UserField

#: The states of a field: as the contract numbers them.
PRESENT, DEFAULT, EXPIRED = 1, 2, 3

Attributes = Mapping[str, AttributeValue]

_MAX_AGE = 2**32 - 1


@dataclass(frozen=True)
class FieldStates:
    """Whence the values of users' declared fields are.

    Attributes:
        states: uint8 [users, fields]: `PRESENT`, `DEFAULT` where nothing is stored, `EXPIRED` where it is too old.
        ages: uint32 [users, fields]: seconds since the stored value was written, 0 where there is none.
        values: The present values of each user.
    """

    states: NDArray[np.uint8]
    ages: NDArray[np.uint32]
    values: Sequence[Attributes]


class FieldRules:
    """The declared fields of a snapshot, with how long each value holds and what stands in for it.

    Args:
        fields: The declared fields.
    """

    def __init__(self, fields: Sequence[UserField]) -> None:
        self._fields = tuple(fields)
        # Most fields hold for ever and have no default: reading pays for those alone that are otherwise.
        self._ruled = tuple(field for field in self._fields if field.ttl_seconds > 0 or field.default is not None)

    def resolve(self, user: StoredUser, overrides: Attributes, now_ms: int) -> Attributes:
        """Returns the attributes that a user's features are made of.

        Args:
            user: What is stored.
            overrides: Attributes that take precedence over stored ones.
            now_ms: In milliseconds since 1970, UTC.
        """
        if not self._ruled:
            return {**user.attributes, **overrides} if overrides else user.attributes
        resolved = {**user.attributes, **overrides}
        times: Mapping[str, int] | None = None
        for field in self._ruled:
            name = field.name
            value = resolved.get(name)
            if value is not None and field.ttl_seconds > 0 and name not in overrides:
                times = _times(user) if times is None else times
                if _outlived(field, times[name], now_ms):
                    del resolved[name]
                    value = None
            if field.default is not None and not _holds(field, value):
                resolved[name] = field.default
        return resolved

    def states(self, users: Sequence[StoredUser], overrides: Sequence[Attributes], now_ms: int) -> FieldStates:
        """Returns whence the values of each user's fields are. Arguments as for `resolve`, of many users."""
        states = np.full((len(users), len(self._fields)), DEFAULT, dtype=np.uint8)
        ages = np.zeros((len(users), len(self._fields)), dtype=np.uint32)
        values = []
        for row, (user, given) in enumerate(zip(users, overrides, strict=True)):
            present: dict[str, AttributeValue] = {}
            times = _times(user)
            for column, field in enumerate(self._fields):
                value = given.get(field.name, user.attributes.get(field.name))
                if value is None or not _holds(field, value):
                    continue
                expired = False
                if field.name not in given:
                    ages[row, column] = min(_MAX_AGE, max(0, now_ms - times[field.name]) // 1000)
                    expired = _outlived(field, times[field.name], now_ms)
                states[row, column] = EXPIRED if expired else PRESENT
                if not expired:
                    present[field.name] = value
            values.append(present)
        return FieldStates(states, ages, values)


def _times(user: StoredUser) -> Mapping[str, int]:
    return dict(zip(user.attributes, array("q", user.attribute_times), strict=True))


def _outlived(field: UserField, written_at_ms: int, now_ms: int) -> bool:
    return field.ttl_seconds > 0 and now_ms - written_at_ms > field.ttl_seconds * 1000


def _holds(field: UserField, value: AttributeValue | None) -> bool:
    """Whether a value is one of the field's kind: others count as missing."""
    if field.kind == "categorical":
        return isinstance(value, str)
    return isinstance(value, (int, float)) and math.isfinite(value)
