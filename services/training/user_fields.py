"""Fitting the declared user attributes to a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.training.datasets import User
from shared.features import UserFeatureTransform, UserField

# A rarer value than the most frequent ones is treated as unknown: a model would learn nothing from it.
_MOST_VALUES = 32
# An attribute with a value of its own for most users identifies people and does not describe them.
_MOST_DISTINCT_SHARE = 0.5


def fit_user_fields(users: Sequence[User]) -> tuple[UserField, ...]:
    """Declares a field for every attribute that describes the users, in order of its name.

    An attribute whose values are mostly strings is categorical with the most frequent values as its vocabulary, and is
    left out when nearly every user has another value; otherwise it is a number with its mean and standard deviation.
    """
    names = sorted({name for user in users for name in user.attributes})
    fields = (_fit_field(name, users) for name in names)
    return tuple(field for field in fields if field is not None)


def user_feature_matrix(users: Sequence[User], fields: Sequence[UserField]) -> npt.NDArray[np.float32]:
    """Returns every user's features, float32 [users, features]."""
    transform = UserFeatureTransform(fields)
    return np.stack([transform(user.attributes) for user in users])


def _fit_field(name: str, users: Sequence[User]) -> UserField | None:
    values = [user.attributes[name] for user in users if name in user.attributes]
    texts = [value for value in values if isinstance(value, str)]
    numbers = np.asarray([value for value in values if not isinstance(value, str)], dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if len(texts) > len(numbers):
        counts = Counter(texts)
        if len(counts) > max(_MOST_VALUES, _MOST_DISTINCT_SHARE * len(users)):
            return None
        frequent = sorted(counts, key=lambda value: (-counts[value], value))[:_MOST_VALUES]
        return UserField(name, "categorical", vocabulary=tuple(sorted(frequent)))
    if not len(numbers):
        return None
    return UserField(name, "number", mean=float(numbers.mean()), deviation=float(numbers.std()) or 1.0)
