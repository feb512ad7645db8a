"""Views as TOML."""

from hypothesis import given
from hypothesis import strategies as st

from shared.feature_views import (
    DERIVED,
    CategoricalField,
    Counter,
    EmbeddingField,
    FeatureView,
    FloatField,
    IntField,
    SequenceField,
    parse_views,
    to_toml,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def test_a_view_of_every_kind_of_field_reads_the_same() -> None:
    """What is not said is left out, and what is said is said as a person would."""
    views = (
        FeatureView(
            name="everything",
            entity="user",
            version=4,
            owner="somebody",
            description='With "quotes" and\na line break.',
            ttl_seconds=30 * 86_400.0,
            sensitivity="never_logged",
            fields=(
                IntField("age", default=40),
                CategoricalField("city", vocabulary=("Oslo", "Tromsø"), default="Oslo"),
                EmbeddingField(name="taste", width=2, default=(0.5, -1e-9)),
                SequenceField(name="recent", length=3, of="item", default=("b-1",)),
            ),
        ),
        FeatureView(
            name="demand",
            entity="item",
            fields=(FloatField("clicks", counter=Counter(("click", "like"), 604_800.0)), FloatField("price")),
        ),
    )

    text = to_toml(views)

    assert parse_views(text) == views
    assert 'ttl = "30d"' in text
    assert '{ name = "clicks", kind = "float", counter = { events = ["click", "like"], half_life = "1w" } }' in text
    assert '{ name = "price", kind = "float" }' in text


def test_a_view_that_nobody_declared_is_written_as_version_one() -> None:
    """Saved, it is a declaration like any other."""
    (view,) = parse_views(to_toml([FeatureView(name="v", entity="user", version=DERIVED, fields=(FloatField("x"),))]))

    assert view.version == 1


@given(
    text=texts,
    words=st.lists(texts, min_size=1, max_size=3, unique=True),
    number=st.floats(allow_nan=False, allow_infinity=False),
    seconds=st.floats(min_value=0, max_value=1e9).map(lambda seconds: round(seconds, 3)),
)
def test_any_text_and_number_reads_the_same(text: str, words: list[str], number: float, seconds: float) -> None:
    """Quotes, control characters, exponents and all."""
    fields = (CategoricalField("c", vocabulary=tuple(words), default=words[0]), FloatField("f", default=number))
    view = FeatureView(name="v", entity="user", owner=text, ttl_seconds=seconds, fields=fields)

    assert parse_views(to_toml([view])) == (view,)
