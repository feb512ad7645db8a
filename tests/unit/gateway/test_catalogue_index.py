"""Conditions are answered with masks over the catalogue, and categories with unit vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.catalogue_index import CatalogueIndex, attribute_text
from services.gateway.query import Condition
from shared.snapshot.catalogue import Catalogue, CatalogueItem
from tests.unit.gateway.fakes import rows

CATALOGUE = Catalogue(
    [
        CatalogueItem("a", "A", ("action", "drama"), {"year": 1999.0, "language": "en"}),
        CatalogueItem("b", "B", ("drama",), {"year": 2004.0, "category": "hidden"}),
        CatalogueItem("c", "C", (), {"rating": 7.5}),
        CatalogueItem("d", "D", ("action", "action"), {"language": "fr"}),
    ]
)
INDEX = CatalogueIndex(CATALOGUE)


@pytest.mark.parametrize(
    ("condition", "matching"),
    [
        (Condition("category", ("drama",)), "ab"),
        (Condition("category", ("action", "drama")), "abd"),
        (Condition("category", ("drama",), exclude=True), "cd"),
        (Condition("category", ("western",)), ""),
        (Condition("category", ("hidden",)), ""),
        (Condition("year", ("1999",)), "a"),
        (Condition("year", ("1999.0",)), ""),
        (Condition("rating", ("7.5",)), "c"),
        (Condition("language", ("en", "fr")), "ad"),
        (Condition("unknown", ("x",)), ""),
        (Condition("unknown", ("x",), exclude=True), "abcd"),
    ],
)
def test_a_condition_matches_the_items_that_the_contract_says(condition: Condition, matching: str) -> None:
    """One equal value is enough; an attribute that nobody has matches nothing, and excluding it removes nothing."""
    mask = INDEX.matching([condition])
    assert mask is not None
    assert "".join(item.id for item, holds in zip(CATALOGUE, mask, strict=True) if holds) == matching


def test_all_conditions_must_hold() -> None:
    """Two conditions match what both match."""
    mask = INDEX.matching([Condition("category", ("action",)), Condition("language", ("en",), exclude=True)])
    assert mask is not None
    assert mask.tolist() == [False, False, False, True]


def test_no_conditions_need_no_mask() -> None:
    """The usual request pays nothing."""
    assert INDEX.matching([]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [("en", "en"), (7.0, "7"), (0.5, "0.5"), (-3.0, "-3"), (0.0000001, "0.0000001"), (1e16, "10000000000000000")],
)
def test_a_number_is_compared_in_its_shortest_decimal_form(value: str | float, text: str) -> None:
    """Without a fraction it has no point, and no exponent ever."""
    assert attribute_text(value) == text


def test_products_of_category_rows_are_cosine_similarities() -> None:
    """Items without categories are like each other and unlike all others; a repeated category counts once."""
    matrix = INDEX.category_matrix(rows(0, 1, 2, 3))
    half = 1 / np.sqrt(2)
    expected = [[1, half, 0, half], [half, 1, 0, 0], [0, 0, 1, 0], [half, 0, 0, 1]]
    np.testing.assert_allclose(matrix @ matrix.T, expected, atol=1e-6)


names = st.sampled_from("abcde")


@given(st.lists(st.lists(names, max_size=4).map(tuple), min_size=1, max_size=12), st.data())
def test_similarity_agrees_with_the_sets_of_categories(drawn: list[tuple[str, ...]], data: st.DataObject) -> None:
    """For any rows in any order, the product of two is |A ∩ B| / sqrt(|A| |B|)."""
    index = CatalogueIndex(Catalogue(CatalogueItem(str(row), "", one) for row, one in enumerate(drawn)))
    chosen = data.draw(st.lists(st.integers(0, len(drawn) - 1), max_size=6))
    matrix = index.category_matrix(rows(*chosen))
    sets = [set(drawn[row]) or {"none"} for row in chosen]
    expected = [[len(a & b) / np.sqrt(len(a) * len(b)) for b in sets] for a in sets]
    np.testing.assert_allclose(matrix @ matrix.T, np.array(expected).reshape(len(sets), len(sets)), atol=1e-6)
