"""The columns that one field of an item becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from services.training.user_fields import most_frequent
from shared.feature_views import CategoricalField, FeatureField, FloatField, SequenceField, defaults
from shared.feature_views.columns import item_columns
from shared.features import AttributeValue

_MOST_TEXTS = 64
_MAX_DEVIATIONS = 5.0

Columns = dict[str, npt.NDArray[np.float64]]


def field_columns(values: Sequence[Mapping[str, AttributeValue]], field: FeatureField) -> Columns:
    """Returns the field's columns by name, float64 [items] each, finite and of a size that a model can take.

    Args:
        values: What is known of each item.
        field: Of an item view.
    """
    if isinstance(field, (CategoricalField, SequenceField)):
        return _text_columns(values, field)
    names = field.attribute_names or (field.name,)
    numbers = np.asarray([[_number(known.get(name)) for name in names] for known in values])
    missing = ~np.isfinite(numbers).all(axis=1)
    if field.default is not None:
        filled = np.where(missing[:, None], np.asarray(defaults(field), dtype=np.float64), numbers)
    else:
        middle = numbers[~missing].mean(axis=0) if not missing.all() else np.zeros(len(names))
        filled = np.where(missing[:, None], middle, numbers)
    if isinstance(field, FloatField) and field.counter is not None:
        # Counts have a long tail, and a dislike can bring them below 0.
        filled = np.sign(filled) * np.log1p(np.abs(filled))
    columns = [*(standardised(filled[:, place]) for place in range(len(names))), missing.astype(np.float64)]
    # The last one, the flag for missing, has no name where a default stands in.
    return dict(zip(item_columns(field, ()), columns, strict=False))


def standardised(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns how many standard deviations each value is from the mean, at most 5; zeros where all are the same."""
    deviation = values.std()
    if deviation == 0:
        return np.zeros_like(values)
    distances: npt.NDArray[np.float64] = (values - values.mean()) / deviation
    return distances.clip(-_MAX_DEVIATIONS, _MAX_DEVIATIONS)


def _text_columns(values: Sequence[Mapping[str, AttributeValue]], field: CategoricalField | SequenceField) -> Columns:
    filled = list(zip(field.attribute_names, defaults(field), strict=True))
    texts = [{_text(known.get(name), default) for name, default in filled} for known in values]
    vocabulary = field.vocabulary or most_frequent((text for of_item in texts for text in of_item), _MOST_TEXTS)
    known = [[text in of_item for text in vocabulary] for of_item in texts]
    unknown = [not any(found) for found in known]
    matrix = np.asarray([[none, *found] for none, found in zip(unknown, known, strict=True)], dtype=np.float64)
    return dict(zip(item_columns(field, vocabulary), matrix.T, strict=True))


def _text(value: AttributeValue | None, default: AttributeValue | None) -> AttributeValue | None:
    return value if isinstance(value, str) else default


def _number(value: AttributeValue | None) -> float:
    return float("nan") if value is None or isinstance(value, str) else float(value)
