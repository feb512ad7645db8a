"""Whether a snapshot's features follow from its views."""

import msgspec
import pytest

from shared.feature_views import (
    CategoricalField,
    EmbeddingField,
    FeatureView,
    FloatField,
    IntField,
    SequenceField,
    digest,
)
from shared.feature_views.agreement import changes, disagreements
from shared.feature_views.columns import planned_user_fields

VIEWS = (
    FeatureView(
        name="profile",
        entity="user",
        ttl_seconds=60.0,
        fields=(
            IntField("age", default=40),
            CategoricalField("city"),
            EmbeddingField(name="taste", width=2),
            SequenceField(name="genre", length=2, vocabulary=("war", "art"), default=("art",)),
        ),
    ),
    FeatureView(
        name="book",
        entity="item",
        fields=(
            FloatField("pages"),
            CategoricalField("form"),
            EmbeddingField(name="cover", width=2, default=(0.0, 0.0)),
            SequenceField(name="cast", length=2, vocabulary=("Al",)),
        ),
    ),
    FeatureView(name="shop", entity="item", ttl_seconds=9.0, fields=(FloatField("price", default=1.0),)),
)
#: With what training learnt: a mean, a deviation and a vocabulary.
USER_FIELDS = tuple(
    msgspec.structs.replace(field, mean=3.0, deviation=2.0)
    if field.kind == "number"
    else msgspec.structs.replace(field, vocabulary=field.vocabulary or ("Oslo",))
    for field in planned_user_fields(VIEWS)
)
ITEM_FEATURES = (
    "log popularity", "never met", "category=Art", "pages", "pages missing", "form=?", "form=paper", "form=wax",
    "cover[0]", "cover[1]", "cast=?", "cast=Al", "price",
)  # fmt: skip
TTL = (*[0.0] * 12, 9.0)


def test_what_follows_from_the_views_agrees() -> None:
    """Whatever was learnt from data."""
    assert disagreements(VIEWS, digest(VIEWS), USER_FIELDS, ITEM_FEATURES, TTL) == []


def test_without_views_there_is_nothing_to_disagree_with() -> None:
    """As in every snapshot from before there were any."""
    assert disagreements((), "", USER_FIELDS, ITEM_FEATURES, TTL) == []


def test_user_fields_follow_in_order() -> None:
    """A field for each attribute, with its time to live and its default."""
    planned = planned_user_fields(VIEWS)

    assert [(field.name, field.kind, field.default) for field in planned] == [
        ("age", "number", 40.0),
        ("city", "categorical", None),
        ("taste[0]", "number", None),
        ("taste[1]", "number", None),
        ("genre[0]", "categorical", "art"),
        ("genre[1]", "categorical", None),
    ]
    assert {field.ttl_seconds for field in planned} == {60.0}


def test_a_digest_of_other_views_is_told() -> None:
    """The views were changed after training."""
    assert disagreements(VIEWS, "0" * 64, USER_FIELDS, ITEM_FEATURES, TTL) == ["views_digest is not that of the views"]


@pytest.mark.parametrize(
    ("place", "changed", "told"),
    [
        (0, {"default": 41.0}, "user field age: default is 41.0; its view declares 40.0"),
        (0, {"kind": "categorical"}, "user field age: kind is 'categorical'; its view declares 'number'"),
        (1, {"ttl_seconds": 0.0}, "user field city: ttl_seconds is 0.0; its view declares 60.0"),
        (4, {"vocabulary": ("art",)}, "user field genre[0]: vocabulary is ('art',); its view declares ('war', 'art')"),
        (
            1,
            {"name": "town"},
            "user fields are age, town, taste[0], taste[1], genre[0], genre[1]; the views declare age, city",
        ),
    ],
)
def test_another_user_field_is_told(place: int, changed: dict[str, object], told: str) -> None:
    """By its name, with both values."""
    fields = list(USER_FIELDS)
    fields[place] = msgspec.structs.replace(fields[place], **changed)

    (problem,) = disagreements(VIEWS, digest(VIEWS), fields, ITEM_FEATURES, TTL)

    assert told in problem


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ("pages missing", "item features have pages, form=? where view book declares pages, pages missing"),
        ("cast=Al", "item features have cast=?, price where view book declares cast=?, cast=Al"),
        ("price", "item features have none where view shop declares price"),
    ],
)
def test_an_item_feature_that_is_missing_is_told(without: str, told: str) -> None:
    """With what is in its place."""
    names = tuple(name for name in ITEM_FEATURES if name != without)

    assert disagreements(VIEWS, digest(VIEWS), USER_FIELDS, names, ()) == [told]


def test_an_item_feature_that_no_view_declares_is_told() -> None:
    """Nobody could say what it means."""
    problems = disagreements(VIEWS, digest(VIEWS), USER_FIELDS, (*ITEM_FEATURES, "colour"), (*TTL, 0.0))

    assert problems == ["item features colour are in no view"]


def test_an_item_feature_with_another_time_to_live_is_told() -> None:
    """Written values would hold too long, or not long enough."""
    problems = disagreements(VIEWS, digest(VIEWS), USER_FIELDS, ITEM_FEATURES, [0.0] * 13)

    assert problems == ["item_ttl_seconds of price is 0; view shop declares 9"]


def test_no_times_to_live_at_all_disagree_with_a_view_that_has_one() -> None:
    """Empty means that all hold for ever."""
    assert disagreements(VIEWS, digest(VIEWS), USER_FIELDS, ITEM_FEATURES, ()) == [
        "item_ttl_seconds of price is 0; view shop declares 9"
    ]


def test_equal_definitions_have_no_changes() -> None:
    """Whoever owns them."""
    (profile, *_) = VIEWS
    assert changes(profile.definition(), msgspec.structs.replace(profile, owner="x").definition()) == []
