"""User fields."""

from collections.abc import Mapping

import numpy as np
import pytest

from services.training.datasets.derived_views import derive_views
from services.training.user_fields import fit_user_fields, user_feature_matrix
from shared.feature_views import (
    CategoricalField,
    EmbeddingField,
    FeatureField,
    FeatureView,
    FloatField,
    IntField,
    SequenceField,
)
from shared.features import UserField

Attributes = Mapping[str, str | float]


def users(*attributes: Attributes) -> list[Attributes]:
    """Returns the attributes of each user."""
    return list(attributes)


def fit(people: list[Attributes]) -> tuple[UserField, ...]:
    """Fits the fields of a data set that declares no views."""
    return fit_user_fields(people, derive_views(people, []))


def declared(*fields: FeatureField, ttl_seconds: float = 0.0) -> tuple[FeatureView, ...]:
    """Returns a user view with these fields."""
    return (FeatureView(name="profile", entity="user", ttl_seconds=ttl_seconds, fields=fields),)


def test_strings_become_a_vocabulary_and_numbers_a_mean_and_deviation() -> None:
    """By hand: two fields in the order of their names, from the users that have them."""
    age, gender = fit(users({"gender": "f", "age": 20.0}, {"gender": "m", "age": 40.0}, {"gender": "f"}))

    assert (age.name, age.kind, age.mean, age.deviation) == ("age", "number", 30.0, 10.0)
    assert (gender.name, gender.kind, gender.vocabulary) == ("gender", "categorical", ("f", "m"))


def test_a_vocabulary_keeps_the_most_frequent_values() -> None:
    """Of forty cities the 32 with the most people are known."""
    people = users(*({"city": f"city {city:02}"} for city in range(40) for _ in range(40 - city)))

    (field,) = fit(people)

    assert field.vocabulary == tuple(f"city {city:02}" for city in range(32))


def test_what_identifies_people_is_no_field() -> None:
    """A name of one's own describes nobody."""
    assert fit(users(*({"name": f"name {row}"} for row in range(100)))) == ()


def test_equal_numbers_can_still_be_scaled() -> None:
    """A number that is the same for all has a deviation of 1 rather than 0."""
    (field,) = fit(users({"age": 30.0}, {"age": 30.0}))

    assert field.deviation == 1.0


@pytest.mark.parametrize("attributes", [{}, {"age": float("nan")}])
def test_without_a_usable_attribute_there_is_still_one_feature(attributes: dict[str, str | float]) -> None:
    """No field is declared, and everybody is a stranger."""
    people = users(attributes, attributes)
    fields = fit(people)

    assert fields == ()
    assert user_feature_matrix(people, fields).tolist() == [[0.0], [0.0]]


def test_the_matrix_has_a_row_for_each_user() -> None:
    """Rows follow the users, and a missing value has its own column."""
    people = users({"gender": "f"}, {}, {"gender": "m"})

    matrix = user_feature_matrix(people, fit(people))

    assert matrix.dtype == np.float32
    assert matrix.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 1]]


def test_a_declared_field_keeps_its_vocabulary_its_default_and_its_time_to_live() -> None:
    """What the data hold changes nothing about it but the scale of numbers."""
    views = declared(
        CategoricalField("city", vocabulary=("Oslo", "Bergen"), default="Oslo"),
        IntField("age", default=40),
        ttl_seconds=60,
    )

    city, age = fit_user_fields(users({"city": "Rome", "age": 20.0}, {"city": "Oslo", "age": 30.0}), views)

    assert city == UserField("city", "categorical", ("Oslo", "Bergen"), ttl_seconds=60.0, default="Oslo")
    assert age == UserField("age", "number", mean=25.0, deviation=5.0, ttl_seconds=60.0, default=40.0)


def test_a_declared_field_is_there_even_when_nobody_has_it() -> None:
    """The widths of models follow from the declaration, not from who happened to be in the data."""
    fields = fit_user_fields(users({}, {}), declared(CategoricalField("city"), FloatField("age")))

    assert fields == (UserField("city", "categorical"), UserField("age", "number"))


def test_what_is_not_declared_is_no_field() -> None:
    """The declaration is the whole truth."""
    (field,) = fit_user_fields(users({"age": 20.0, "shoe": 40.0}), declared(FloatField("age")))

    assert field.name == "age"


def test_a_default_is_a_value_of_its_own() -> None:
    """It joins a vocabulary that is learnt, so that it is told from an unknown value."""
    (field,) = fit_user_fields(users({"city": "Oslo"}), declared(CategoricalField("city", default="nowhere")))

    assert field.vocabulary == ("Oslo", "nowhere")


def test_an_embedding_is_a_number_for_each_element() -> None:
    """As it is stored: an attribute a place."""
    first, second = fit_user_fields(
        users({"taste[0]": 1.0, "taste[1]": 5.0}, {"taste[0]": 3.0, "taste[1]": 5.0}),
        declared(EmbeddingField(name="taste", width=2, default=(0.0, 1.0))),
    )

    assert first == UserField("taste[0]", "number", mean=2.0, deviation=1.0, default=0.0)
    assert second == UserField("taste[1]", "number", mean=5.0, deviation=1.0, default=1.0)


def test_all_places_of_a_sequence_share_a_vocabulary() -> None:
    """What was first once may be second next time."""
    fields = fit_user_fields(
        users({"genre[0]": "war", "genre[1]": "art"}, {"genre[0]": "art"}),
        declared(SequenceField(name="genre", length=2)),
    )

    assert fields == (
        UserField("genre[0]", "categorical", ("art", "war")),
        UserField("genre[1]", "categorical", ("art", "war")),
    )


def test_lists_become_embeddings_and_sequences_when_nothing_is_declared() -> None:
    """Only where every place is there from 0 on, and no attribute has the name of the whole."""
    people = users({"taste[0]": 1.0, "taste[1]": 5.0, "genre[0]": "war", "odd[1]": 1.0, "both[0]": 1.0, "both": 2.0})

    (view,) = derive_views(people, [])

    assert view.fields == (
        IntField("both"),
        IntField("both[0]"),
        SequenceField(name="genre", length=1),
        IntField("odd[1]"),
        EmbeddingField(name="taste", width=2),
    )
