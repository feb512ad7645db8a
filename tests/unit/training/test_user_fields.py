"""User fields."""

from collections.abc import Mapping

import numpy as np
import pytest

from services.training.datasets import User
from services.training.user_fields import fit_user_fields, user_feature_matrix


def users(*attributes: Mapping[str, str | float]) -> list[User]:
    """Returns a user for each mapping of attributes."""
    return [User(str(row), values) for row, values in enumerate(attributes)]


def test_strings_become_a_vocabulary_and_numbers_a_mean_and_deviation() -> None:
    """By hand: two fields in the order of their names, from the users that have them."""
    age, gender = fit_user_fields(users({"gender": "f", "age": 20.0}, {"gender": "m", "age": 40.0}, {"gender": "f"}))

    assert (age.name, age.kind, age.mean, age.deviation) == ("age", "number", 30.0, 10.0)
    assert (gender.name, gender.kind, gender.vocabulary) == ("gender", "categorical", ("f", "m"))


def test_a_vocabulary_keeps_the_most_frequent_values() -> None:
    """Of forty cities the 32 with the most people are known."""
    people = users(*({"city": f"city {city:02}"} for city in range(40) for _ in range(40 - city)))

    (field,) = fit_user_fields(people)

    assert field.vocabulary == tuple(f"city {city:02}" for city in range(32))


def test_what_identifies_people_is_no_field() -> None:
    """A name of one's own describes nobody."""
    assert fit_user_fields(users(*({"name": f"name {row}"} for row in range(100)))) == ()


def test_equal_numbers_can_still_be_scaled() -> None:
    """A number that is the same for all has a deviation of 1 rather than 0."""
    (field,) = fit_user_fields(users({"age": 30.0}, {"age": 30.0}))

    assert field.deviation == 1.0


@pytest.mark.parametrize("attributes", [{}, {"age": float("nan")}])
def test_without_a_usable_attribute_there_is_still_one_feature(attributes: dict[str, str | float]) -> None:
    """No field is declared, and everybody is a stranger."""
    people = users(attributes, attributes)
    fields = fit_user_fields(people)

    assert fields == ()
    assert user_feature_matrix(people, fields).tolist() == [[0.0], [0.0]]


def test_the_matrix_has_a_row_for_each_user() -> None:
    """Rows follow the users, and a missing value has its own column."""
    people = users({"gender": "f"}, {}, {"gender": "m"})

    matrix = user_feature_matrix(people, fit_user_fields(people))

    assert matrix.dtype == np.float32
    assert matrix.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 1]]
