"""Fitting the declared user attributes to a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from shared.feature_views import FeatureView, SequenceField, fields_of
from shared.feature_views.columns import planned_user_fields
from shared.features import AttributeValue, UserFeatureTransform, UserField

# A rarer value than the most frequent ones is treated as unknown: a model would learn nothing from it.
_MOST_VALUES = 32


def fit_user_fields(
    values: Sequence[Mapping[str, AttributeValue]], views: Sequence[FeatureView]
) -> tuple[UserField, ...]:
    """Returns the fields that the user views declare, with what the data tell of each.

    A categorical field without a vocabulary gets the most frequent values, a number its mean and standard deviation. All
    places of a sequence share a vocabulary.

    Args:
        values: What is known of each user.
        views: The declaration.
    """
    groups = {
        name: field.attribute_names
        for _, field in fields_of(views, "user")
        if isinstance(field, SequenceField)
        for name in field.attribute_names
    }
    learnt: dict[tuple[str, ...], tuple[str, ...]] = {}
    fitted = []
    for field in planned_user_fields(views):
        if field.kind == "number":
            fitted.append(_with_scale(field, [known.get(field.name) for known in values]))
            continue
        group = groups.get(field.name, (field.name,))
        if not field.vocabulary and group not in learnt:
            learnt[group] = most_frequent((known.get(name) for known in values for name in group), _MOST_VALUES)
        fitted.append(_with_vocabulary(field, field.vocabulary or learnt[group]))
    return tuple(fitted)


def most_frequent(values: Iterable[AttributeValue | None], count: int) -> tuple[str, ...]:
    """Returns the most frequent texts among the values, at most `count`, in their own order."""
    counts = Counter(value for value in values if isinstance(value, str))
    return tuple(sorted(sorted(counts, key=lambda value: (-counts[value], value))[:count]))


def user_feature_matrix(
    values: Sequence[Mapping[str, AttributeValue]], fields: Sequence[UserField]
) -> npt.NDArray[np.float32]:
    """Returns every user's features, float32 [users, features]."""
    transform = UserFeatureTransform(fields)
    return np.stack([transform(known) for known in values])


def _with_vocabulary(field: UserField, vocabulary: tuple[str, ...]) -> UserField:
    # A default that nobody has is still a value of its own.
    if isinstance(field.default, str) and field.default not in vocabulary:
        vocabulary = tuple(sorted((*vocabulary, field.default)))
    return msgspec.structs.replace(field, vocabulary=vocabulary)


def _with_scale(field: UserField, values: Iterable[AttributeValue | None]) -> UserField:
    numbers = np.asarray([value for value in values if field.takes(value)], dtype=np.float64)
    if not len(numbers):
        return field
    return msgspec.structs.replace(field, mean=float(numbers.mean()), deviation=float(numbers.std()) or 1.0)
