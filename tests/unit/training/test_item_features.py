"""Item features."""

import numpy as np
import pytest

from services.training.datasets import Item
from services.training.datasets.derived_views import derive_views
from services.training.item_features import ItemFeatures, build_item_features
from shared.feature_views import (
    CategoricalField,
    Counter,
    EmbeddingField,
    FeatureField,
    FeatureView,
    FloatField,
    SequenceField,
)

Attributes = dict[str, str | float]


def features_of(items: list[Item], popularity: np.ndarray) -> ItemFeatures:
    """Builds the features of a data set that declares no views."""
    values = [dict(item.attributes) for item in items]
    return build_item_features(items, values, popularity, derive_views([], values))


def columns_of(field: FeatureField, *values: Attributes) -> dict[str, list[float]]:
    """Returns the columns that a declared field becomes, by name."""
    items = [Item(str(row), "", (), "", {}) for row in range(len(values))]
    view = FeatureView(name="v", entity="item", fields=(field,))
    features = build_item_features(items, values, np.ones(len(items)), [view])
    return dict(zip(features.names[2:], features.matrix.T[2:].tolist(), strict=True))


def test_each_feature_has_a_column_with_a_name() -> None:
    """Popularity, categories in order, and numbers with a flag; strings become no column."""
    items = [
        Item("a", "A", ("Drama",), "", {"year": 1990.0, "language": "en"}),
        Item("b", "B", ("Comedy", "Drama"), "", {"year": 2000.0}),
        Item("c", "C", (), "", {}),
    ]

    features = features_of(items, np.asarray([0.0, 3.0, 9.0]))

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

    features = features_of(items, np.ones(len(items)))

    year = features.matrix[:, features.names.index("year")]
    assert year[-2:].tolist() == [5.0, -5.0]
    assert np.isfinite(features.matrix).all()


def test_only_the_most_frequent_categories_become_columns() -> None:
    """A data set with hundreds of categories does not get hundreds of columns."""
    items = [Item(str(row), "", (f"rare {row}", "common"), "", {}) for row in range(300)]

    names = features_of(items, np.ones(300)).names

    assert "category=common" in names
    assert sum(name.startswith("category=") for name in names) == 64


def test_an_attribute_that_is_not_a_number_anywhere_is_left_out() -> None:
    """NaN and infinity count as missing."""
    items = [Item(str(row), "", (), "", {"score": value}) for row, value in enumerate([float("nan"), float("inf")])]

    assert "score" not in features_of(items, np.ones(2)).names


def test_a_number_that_is_called_like_what_training_computes_is_left_out() -> None:
    """It would stand in the place of the popularity."""
    items = [Item(str(row), "", (), "", {"log popularity": float(row)}) for row in range(2)]

    assert features_of(items, np.ones(2)).names == ("log popularity", "never met")


def test_a_default_stands_in_for_what_is_missing_and_leaves_no_flag() -> None:
    """It is a value like any other."""
    columns = columns_of(FloatField("price", default=3.0), {"price": 1.0}, {}, {"price": "free"}, {"price": 5.0})

    assert list(columns) == ["price"]
    assert columns["price"] == pytest.approx([-np.sqrt(2), 0, 0, np.sqrt(2)])


def test_a_declared_number_is_there_even_when_no_item_has_it() -> None:
    """Widths follow from the declaration."""
    assert columns_of(FloatField("price"), {}, {}) == {"price": [0.0, 0.0], "price missing": [1.0, 1.0]}


def test_a_text_has_a_column_for_each_word_and_one_for_all_others() -> None:
    """Missing and unknown alike; the default has its own column."""
    values: list[Attributes] = [{"form": "paper"}, {"form": "stone"}, {}, {"form": 3.0}]

    assert columns_of(CategoricalField("form", vocabulary=("paper", "wax")), *values) == {
        "form=?": [0, 1, 1, 1],
        "form=paper": [1, 0, 0, 0],
        "form=wax": [0, 0, 0, 0],
    }
    assert columns_of(CategoricalField("form", default="paper"), *values)["form=paper"] == [1, 0, 1, 1]


def test_a_sequence_has_a_one_for_each_of_its_texts() -> None:
    """Wherever they stand; what lies beyond its length is left out."""
    assert columns_of(
        SequenceField(name="cast", length=2), {"cast[0]": "Bo", "cast[1]": "Al"}, {"cast[0]": "Al", "cast[2]": "Cy"}, {}
    ) == {"cast=?": [0, 0, 1], "cast=Al": [1, 1, 0], "cast=Bo": [1, 0, 0]}


def test_an_embedding_is_missing_as_a_whole() -> None:
    """Half of a vector says nothing."""
    columns = columns_of(
        EmbeddingField(name="cover", width=2),
        {"cover[0]": 1.0, "cover[1]": 4.0},
        {"cover[0]": 3.0, "cover[1]": 6.0},
        {"cover[0]": 9.0},
    )

    assert columns["cover missing"] == [0.0, 0.0, 1.0]
    assert [columns[name][2] for name in ("cover[0]", "cover[1]")] == [0.0, 0.0]
    assert columns["cover[0]"][0] == -columns["cover[0]"][1] < 0


def test_counts_are_on_a_logarithmic_scale_of_either_sign() -> None:
    """A hit does not drown the rest, and one that is disliked lies as far on the other side."""
    field = FloatField("clicks", default=0.0, counter=Counter(("click",), 60.0))

    columns = columns_of(field, {"clicks": np.e**4 - 1}, {"clicks": 1 - np.e**4}, {}, {"clicks": np.e**2 - 1})

    assert columns["clicks"][0] - columns["clicks"][2] == pytest.approx(columns["clicks"][2] - columns["clicks"][1])
    assert columns["clicks"][0] - columns["clicks"][2] == pytest.approx(
        2 * (columns["clicks"][3] - columns["clicks"][2])
    )


def test_each_column_knows_how_long_a_written_value_holds() -> None:
    """That of its view; what training computes itself holds for ever."""
    views = (
        FeatureView(name="shop", entity="item", ttl_seconds=60.0, fields=(FloatField("price"),)),
        FeatureView(name="print", entity="item", fields=(FloatField("pages"),)),
    )
    items = [Item(str(row), "", ("c",), "", {}) for row in range(2)]

    features = build_item_features(items, [{}, {}], np.ones(2), views)

    assert dict(zip(features.names, features.ttl_seconds, strict=True)) == {
        "log popularity": 0, "never met": 0, "category=c": 0,
        "price": 60, "price missing": 60, "pages": 0, "pages missing": 0,
    }  # fmt: skip
