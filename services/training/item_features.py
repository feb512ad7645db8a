"""The item feature matrix: what the ranker reads about every candidate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.datasets import Item
from services.training.item_columns import Columns, field_columns, standardised
from shared.feature_views import FeatureView, fields_of
from shared.feature_views.columns import CATEGORY, LOG_POPULARITY, NEVER_MET
from shared.features import AttributeValue

_MOST_CATEGORIES = 64


@dataclass(frozen=True, slots=True, eq=False)
class ItemFeatures:
    """A column for each feature, already of a size that a model can take.

    Attributes:
        names: Of the columns.
        matrix: float32 [items, columns], all finite.
        ttl_seconds: Of each column, how long a value that is written over it is served; 0 for ever. Empty: all for ever.
    """

    names: tuple[str, ...]
    matrix: npt.NDArray[np.float32]
    ttl_seconds: tuple[float, ...] = ()


def build_item_features(
    items: Sequence[Item],
    values: Sequence[Mapping[str, AttributeValue]],
    popularity: npt.NDArray[np.floating],
    views: Sequence[FeatureView],
) -> ItemFeatures:
    """Describes each item by its popularity, its categories and the fields of its views.

    Popularity is log-scaled and standardised, with a 0/1 column for items that nobody met; categories become 0/1 columns
    (the most frequent ones); a number becomes its distance from the mean in standard deviations, at most 5; a text becomes
    0/1 columns.

    Args:
        items: The catalogue in the order of its rows.
        values: What is known of each item.
        popularity: [items], recent interaction counts, at least 0.
        views: The declaration.
    """
    columns: Columns = {
        LOG_POPULARITY: standardised(np.log1p(popularity.astype(np.float64))),
        NEVER_MET: (popularity == 0).astype(np.float64),
        **_category_columns(items),
    }
    ttl_seconds = dict.fromkeys(columns, 0.0)
    for view, field in fields_of(views, "item"):
        found = field_columns(values, field)
        columns |= found
        ttl_seconds |= dict.fromkeys(found, view.ttl_seconds)
    matrix = np.stack(list(columns.values()), axis=1).astype(np.float32)
    return ItemFeatures(tuple(columns), matrix, tuple(ttl_seconds.values()))


def _category_columns(items: Sequence[Item]) -> Columns:
    counts = Counter(category for item in items for category in set(item.categories))
    frequent = [name for name, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))][:_MOST_CATEGORIES]
    return {
        f"{CATEGORY}={name}": np.asarray([name in item.categories for item in items], dtype=np.float64)
        for name in sorted(frequent)
    }
