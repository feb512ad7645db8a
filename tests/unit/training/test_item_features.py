"""Item features."""

import numpy as np

from services.training.datasets import Item
from services.training.item_features import build_item_features


def test_each_feature_has_a_column_with_a_name() -> None:
    """Popularity, categories in order, and numbers with a flag; strings become no column."""
    items = [
        Item("a", "A", ("Drama",), "", {"year": 1990.0, "language": "en"}),
        Item("b", "B", ("Comedy", "Drama"), "", {"year": 2000.0}),
        Item("c", "C", (), "", {}),
    ]

    features = build_item_features(items, np.asarray([0.0, 3.0, 9.0]))

    assert features.names == (
        "log popularity", "never met", "category=Comedy", "category=Drama", "year", "year missing",
    )  # fmt: skip
    columns = dict(zip(features.names, features.matrix.T.tolist(), strict=True))
    assert columns["never met"] == [1.0, 0.0, 0.0]
    assert columns["category=Comedy"] == [0.0, 1.0, 0.0]
    assert columns["category=Drama"] == [1.0, 1.0, 0.0]
    assert columns["year missing"] == [0.0, 0.0, 1.0]
    # A missing year stands at the mean, and so at no distance from it.
    assert columns["year"][2] == 0.0
    assert columns["year"][0] == -columns["year"][1] < 0
    assert features.matrix.dtype == np.float32


def test_an_absurd_number_is_at_most_five_deviations_away() -> None:
    """A film from the year 30000 and one from long before do not drown everything else, and all stays finite."""
    years = [*(2000.0 + row % 2 for row in range(200)), 30000.0, -26000.0]
    items = [Item(str(row), "", (), "", {"year": year}) for row, year in enumerate(years)]

    features = build_item_features(items, np.ones(len(items)))

    year = features.matrix[:, features.names.index("year")]
    assert year[-2:].tolist() == [5.0, -5.0]
    assert np.isfinite(features.matrix).all()


def test_only_the_most_frequent_categories_become_columns() -> None:
    """A data set with hundreds of categories does not get hundreds of columns."""
    items = [Item(str(row), "", (f"rare {row}", "common"), "", {}) for row in range(300)]

    names = build_item_features(items, np.ones(300)).names

    assert "category=common" in names
    assert sum(name.startswith("category=") for name in names) == 64


def test_an_attribute_that_is_not_a_number_anywhere_is_left_out() -> None:
    """NaN and infinity count as missing."""
    items = [Item(str(row), "", (), "", {"score": value}) for row, value in enumerate([float("nan"), float("inf")])]

    assert "score" not in build_item_features(items, np.ones(2)).names
