"""What a view is known by, and what others ask of it."""

import msgspec
import pytest

from shared.feature_views import (
    CategoricalField,
    Counter,
    EmbeddingField,
    FeatureView,
    FloatField,
    SequenceField,
    attributes_with,
    counters_of,
    digest,
)

PROFILE = FeatureView(
    name="profile",
    entity="user",
    owner="accounts",
    ttl_seconds=60.0,
    fields=(FloatField("age", default=35.0), CategoricalField("city", vocabulary=("Oslo",))),
)
HEALTH = FeatureView(
    name="health",
    entity="user",
    sensitivity="never_logged",
    fields=(
        CategoricalField("diet"),
        EmbeddingField(name="gait", width=2),
        SequenceField(name="clinics", length=1),
        FloatField("visits", counter=Counter(("view",), 60.0)),
    ),
)


def test_a_view_is_the_same_after_json() -> None:
    """The manifest keeps it whole, field kinds and all."""
    encoded = msgspec.json.encode([PROFILE, HEALTH])

    assert msgspec.json.decode(encoded, type=list[FeatureView]) == [PROFILE, HEALTH]


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 2},
        {"entity": "item"},
        {"ttl_seconds": 61.0},
        {"sensitivity": "never_logged"},
        {"fields": PROFILE.fields[::-1]},
        {"fields": (FloatField("age", default=36.0), PROFILE.fields[1])},
        {"fields": (*PROFILE.fields, FloatField("height"))},
    ],
)
def test_another_definition_has_another_digest(changed: dict[str, object]) -> None:
    """Everything that changes what a feature means, and the order of features."""
    assert msgspec.structs.replace(PROFILE, **changed).digest() != PROFILE.digest()


def test_another_owner_or_description_is_the_same_definition() -> None:
    """Nothing that is computed depends on them."""
    assert msgspec.structs.replace(PROFILE, owner="growth", description="Who they are.").digest() == PROFILE.digest()


def test_the_digest_of_a_declaration_depends_on_every_view() -> None:
    """And on their order, which is the order of features."""
    assert len({digest([PROFILE, HEALTH]), digest([HEALTH, PROFILE]), digest([PROFILE]), digest([])}) == 4


def test_what_must_not_be_logged_is_known_by_the_names_it_is_stored_under() -> None:
    """Each place of an embedding or a sequence is an attribute of its own; what is counted is none."""
    assert attributes_with([PROFILE, HEALTH], "user", "never_logged") == {"diet", "gait[0]", "gait[1]", "clinics[0]"}
    assert attributes_with([PROFILE, HEALTH], "item", "never_logged") == set()
    assert attributes_with([PROFILE, HEALTH], "user", "plain") == {"age", "city"}


def test_counters_are_found_by_entity() -> None:
    """The store keeps those of users and items apart."""
    assert counters_of([PROFILE, HEALTH], "user") == {"visits": Counter(("view",), 60.0)}
    assert counters_of([PROFILE, HEALTH], "item") == {}
