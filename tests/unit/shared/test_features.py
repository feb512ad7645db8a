"""A user's attributes become the same numbers in training and in serving."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.features import MAX_DEVIATIONS, AttributeValue, UserFeatureTransform, UserField

GENDER = UserField("gender", "categorical", vocabulary=("F", "M"))
AGE = UserField("age", "number", mean=30.0, deviation=10.0)

#: any attribute, gender: missing or unknown, F, M, age: scaled, missing
TRANSFORM = UserFeatureTransform([GENDER, AGE])

names = st.text(max_size=3)
fields = st.lists(
    st.builds(UserField, names, st.just("categorical"), vocabulary=st.lists(names, unique=True).map(tuple))
    | st.builds(UserField, names, st.just("number"), mean=st.floats(-1e6, 1e6), deviation=st.floats(1e-6, 1e6)),
    max_size=4,
)
attributes = st.dictionaries(names, st.text(max_size=3) | st.floats() | st.integers(-(2**63), 2**63), max_size=6)


@pytest.mark.parametrize(
    ("given_attributes", "expected"),
    [
        ({"gender": "F", "age": 45.0}, [1, 0, 1, 0, 1.5, 0]),
        ({"gender": "M", "age": 30}, [1, 0, 0, 1, 0, 0]),
        ({"gender": "M"}, [1, 0, 0, 1, 0, 1]),
        ({"age": 20.0}, [1, 1, 0, 0, -1, 0]),
        ({"gender": "X", "age": 30.0}, [1, 1, 0, 0, 0, 0]),
        ({}, [0, 1, 0, 0, 0, 1]),
        ({"region": "north"}, [0, 1, 0, 0, 0, 1]),
        ({"gender": 1.0, "age": "old"}, [0, 1, 0, 0, 0, 1]),
        ({"age": float("nan")}, [0, 1, 0, 0, 0, 1]),
        ({"age": float("inf")}, [0, 1, 0, 0, 0, 1]),
        ({"age": 1e300}, [1, 1, 0, 0, MAX_DEVIATIONS, 0]),
        ({"age": -1e300}, [1, 1, 0, 0, -MAX_DEVIATIONS, 0]),
    ],
)
def test_attributes_become_the_numbers_worked_out_by_hand(
    given_attributes: dict[str, AttributeValue], expected: list[float]
) -> None:
    """Known, unknown, missing, undeclared, of the wrong type, not finite, and absurd values."""
    features = TRANSFORM(given_attributes)
    assert features.dtype == np.float32
    assert features.tolist() == expected


@pytest.mark.parametrize(
    ("given_attributes", "expected"),
    [
        ({}, [1, 0, 0, 1, -1, 0]),
        ({"gender": 3.0, "age": "old"}, [1, 0, 0, 1, -1, 0]),
        ({"age": float("nan")}, [1, 0, 0, 1, -1, 0]),
        ({"gender": "F", "age": 45.0}, [1, 0, 1, 0, 1.5, 0]),
        ({"gender": "X"}, [1, 1, 0, 0, -1, 0]),
    ],
)
def test_a_default_stands_in_for_what_is_missing(
    given_attributes: dict[str, AttributeValue], expected: list[float]
) -> None:
    """Missing or of the wrong type, for one person as for many; a text that is not known is not missing."""
    transform = UserFeatureTransform(
        [msgspec.structs.replace(GENDER, default="M"), msgspec.structs.replace(AGE, default=20.0)]
    )

    assert transform(given_attributes).tolist() == expected
    assert transform.many([given_attributes] * 9).tolist() == [expected] * 9


def test_each_feature_has_a_name() -> None:
    """The names say what a column means, in the order of the columns."""
    assert TRANSFORM.names == ["any attribute", "gender=?", "gender=F", "gender=M", "age", "age missing"]


def test_without_declared_attributes_there_is_still_one_feature() -> None:
    """Models take at least one column, and it says that nothing is known."""
    transform = UserFeatureTransform([])
    assert transform({"age": 3.0}).tolist() == [0.0]
    assert (transform.width, transform.names) == (1, ["any attribute"])


@given(fields, attributes)
def test_features_are_finite_whatever_the_attributes(
    declared: list[UserField], given_attributes: dict[str, AttributeValue]
) -> None:
    """Width, names and vector agree, and no attribute gives NaN or infinity."""
    transform = UserFeatureTransform(declared)
    features = transform(given_attributes)
    assert features.shape == (transform.width,) == (len(transform.names),)
    assert np.isfinite(features).all()
    assert np.abs(features).max() <= MAX_DEVIATIONS


@given(fields, attributes)
def test_features_do_not_depend_on_the_order_of_the_attributes(
    declared: list[UserField], given_attributes: dict[str, AttributeValue]
) -> None:
    """A mapping from the wire has no order."""
    transform = UserFeatureTransform(declared)
    turned = dict(reversed(given_attributes.items()))
    np.testing.assert_array_equal(transform(given_attributes), transform(turned))


@given(fields, st.lists(attributes | st.just({}), max_size=8))
def test_many_at_once_have_the_features_of_each_alone(
    declared: list[UserField], people: list[dict[str, AttributeValue]]
) -> None:
    """Bit for bit, nobody included, and nobody's features are another's."""
    transform = UserFeatureTransform(declared)
    alone = [transform(one) for one in people]
    together = transform.many(people)
    assert together.dtype == np.float32
    assert together.shape == (len(people), transform.width)
    np.testing.assert_array_equal(together, np.array(alone, dtype=np.float32).reshape(together.shape))


@pytest.mark.parametrize("deviation", [0.0, -1.0])
def test_a_deviation_that_cannot_scale_is_refused_when_read(deviation: float) -> None:
    """A manifest with one is damaged; dividing by it later would fail every request."""
    encoded = msgspec.json.encode({"name": "age", "kind": "number", "deviation": deviation})
    with pytest.raises(msgspec.ValidationError, match="deviation"):
        msgspec.json.decode(encoded, type=UserField)
