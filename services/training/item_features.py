"""The item feature matrix: what the ranker reads about every candidate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.datasets import Item

_MOST_CATEGORIES = 64
_MAX_DEVIATIONS = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class ItemFeatures:
    """A column for each feature, already of a size that a model can take.

    Attributes:
        names: Of the columns.
        matrix: float32 [items, columns], all finite.
    """

    names: tuple[str, ...]
    matrix: npt.NDArray[np.float32]


def build_item_features(items: Sequence[Item], popularity: npt.NDArray[np.floating]) -> ItemFeatures:
    """Describes each item by its categories, its numeric attributes and its popularity.

    Categories become 0/1 columns (the most frequent ones); a number becomes its distance from the mean in standard
    deviations, at most 5, with a 0/1 column for missing; popularity is log-scaled and standardised, with a 0/1 column
    for items that nobody met.

    Args:
        items: The catalogue in the order of its rows.
        popularity: [items], recent interaction counts, at least 0.
    """
    columns: dict[str, npt.NDArray[np.float64]] = {}
    columns["log popularity"] = _standardised(np.log1p(popularity.astype(np.float64)))
    columns["never met"] = (popularity == 0).astype(np.float64)
    columns |= _category_columns(items)
    for name in _numeric_attributes(items):
        columns |= _number_columns(items, name)
    return ItemFeatures(tuple(columns), np.stack(list(columns.values()), axis=1).astype(np.float32))


def _category_columns(items: Sequence[Item]) -> dict[str, npt.NDArray[np.float64]]:
    counts = Counter(category for item in items for category in set(item.categories))
    frequent = [name for name, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))][:_MOST_CATEGORIES]
    return {
        f"category={name}": np.asarray([name in item.categories for item in items], dtype=np.float64)
        for name in sorted(frequent)
    }


def _numeric_attributes(items: Sequence[Item]) -> list[str]:
    values = {name: value for item in items for name, value in item.attributes.items()}
    return sorted(name for name, value in values.items() if not isinstance(value, str))


def _number_columns(items: Sequence[Item], name: str) -> dict[str, npt.NDArray[np.float64]]:
    values = np.asarray([_number_or_nan(item.attributes.get(name)) for item in items])
    missing = ~np.isfinite(values)
    if missing.all():
        return {}
    filled = np.where(missing, values[~missing].mean(), values)
    return {name: _standardised(filled), f"{name} missing": missing.astype(np.float64)}


def _number_or_nan(value: str | float | None) -> float:
    return float("nan") if value is None or isinstance(value, str) else float(value)


def _standardised(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    deviation = values.std()
    if deviation == 0:
        return np.zeros_like(values)
    standardised: npt.NDArray[np.float64] = (values - values.mean()) / deviation
    return standardised.clip(-_MAX_DEVIATIONS, _MAX_DEVIATIONS)
