"""Reading `features.toml`: what it may say, and how a mistake is named."""

from pathlib import Path

import pytest

from shared.feature_views import (
    CategoricalField,
    Counter,
    EmbeddingField,
    FloatField,
    IntField,
    SequenceField,
    ViewsRefused,
    parse_views,
    read_views,
)

COMPLETE = """
[[views]]
name = "profile"
entity = "user"
version = 3
owner = "accounts"
description = "What people say of themselves."
ttl = "30d"
sensitivity = "plain"
fields = [
  { name = "age", kind = "int", default = 35 },
  { name = "gender", kind = "categorical", vocabulary = ["female", "male"], default = "female" },
  { name = "taste", kind = "embedding", width = 2, default = [0.0, 0.5] },
  { name = "recent", kind = "sequence", length = 3, of = "item" },
]

[[views]]
name = "demand"
entity = "item"
fields = [
  { name = "clicks", kind = "float", counter = { events = ["click", "like"], half_life = "7d" } },
  { name = "price", kind = "float", default = 9.5 },
]
"""


def one_field(field: str, view: str = "") -> str:
    """Returns a declaration of a user view `v` with one field, written as an inline table without its braces."""
    return f'[[views]]\nname = "v"\nentity = "user"\n{view}\nfields = [{{ {field} }}]\n'


def refusal(text: str) -> ViewsRefused:
    """Returns how a declaration is refused."""
    with pytest.raises(ViewsRefused) as refused:
        parse_views(text, Path("data/features.toml"))
    return refused.value


def test_a_complete_declaration_is_read_as_it_is_written() -> None:
    """Every kind of field, in its order, with lengths of time in seconds."""
    profile, demand = parse_views(COMPLETE)

    assert (profile.name, profile.entity, profile.version, profile.owner) == ("profile", "user", 3, "accounts")
    assert (profile.ttl_seconds, profile.sensitivity) == (30 * 86_400.0, "plain")
    assert profile.fields == (
        IntField("age", default=35),
        CategoricalField("gender", vocabulary=("female", "male"), default="female"),
        EmbeddingField(name="taste", width=2, default=(0.0, 0.5)),
        SequenceField(name="recent", length=3, of="item"),
    )
    assert (demand.version, demand.ttl_seconds, demand.description) == (1, 0.0, "")
    assert demand.fields == (
        FloatField("clicks", counter=Counter(("click", "like"), 7 * 86_400.0)),
        FloatField("price", default=9.5),
    )


def test_a_folder_without_the_file_declares_nothing(tmp_path: Path) -> None:
    """That is not an error: its views follow from the data."""
    assert read_views(tmp_path) is None


def test_the_file_of_a_folder_is_read(tmp_path: Path) -> None:
    """By its name; what is wrong in it is named with its path."""
    (tmp_path / "features.toml").write_text(COMPLETE)
    assert read_views(tmp_path) == parse_views(COMPLETE)

    (tmp_path / "features.toml").write_text("views = 3 =")
    with pytest.raises(ViewsRefused, match=r"features\.toml: it is not TOML: .*line 1"):
        read_views(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "views is empty; a declaration must have one or more"),
        ("[[view]]", "'view' is unknown; allowed are views"),
        (one_field('name = "a=b", kind = "float"'), "view v: field a=b: name may have no '=', and of an item not be one of"),
        (COMPLETE.replace('"price"', '"never met"'), "view demand: field never met: name may have no '=', and of an item"),
        (
            one_field('name = "x", kind = "float", counter = { events = ["click"], half_life = 9 }', 'ttl = "1d"'),
            "view v: field x: a count fades by its half-life; a view with a ttl may not have a counter",
        ),
        ("views = 3", "views is no list of tables; write each as [[views]]"),
        ('[[views]]\nname = "v"\nentity = "user"', "view v: fields is empty; a view must have one or more"),
        ('[[views]]\nfields = [{name = "x", kind = "float"}]', "view number 1: Object missing required field `name`"),
        (one_field('name = "x", kind = "float"', "ttk = 3"), "view v: 'ttk' is unknown; allowed are name, entity, version"),
        (one_field('name = "x", kind = "float"', 'ttl = "soon"'), "view v: ttl is 'soon'; it must be a number of seconds"),
        (one_field('name = "x", kind = "float"', "ttl = -1"), "view v: ttl is -1; it must be a number of seconds"),
        (one_field('name = "x", kind = "float"', "version = 0"), "view v: version is 0; it must be 1 or more"),
        (one_field('name = "x", kind = "float"', 'version = "2"'), "view v: version: Expected `int`, got `str`"),
        (one_field('name = "x", kind = "float"', 'sensitivity = "secret"'), "view v: sensitivity: Invalid enum value"),
        (one_field('name = "x", kind = "number"'), "view v: field x: kind is 'number'; it must be one of float, int,"),
        (one_field('name = "x"'), "view v: field x: kind is None; it must be one of float, int,"),
        (one_field('kind = "float"'), "view v: field number 1: Object missing required field `name`"),
        (one_field('name = "", kind = "float"'), "it must have 1 to 64 bytes"),
        (one_field('name = "x", kind = "float", width = 2'), "field x: 'width' is unknown; allowed are name, kind, default,"),
        (one_field('name = "x", kind = "float", default = "a"'), "field x: default: Expected `float | null`, got `str`"),
        (one_field('name = "x", kind = "float", default = nan'), "field x: default is nan; it must be a finite number"),
        (one_field('name = "x", kind = "int", default = 1.5'), "field x: default: Expected `int | null`, got `float`"),
        (
            one_field('name = "x", kind = "categorical", vocabulary = ["a", "b"], default = "c"'),
            "field x: default has 'c', which is not in the vocabulary: a, b",
        ),
        (
            one_field('name = "x", kind = "categorical", vocabulary = ["a", "a"]'),
            "field x: vocabulary has a text twice; it must have each once",
        ),
        (one_field('name = "x", kind = "embedding"'), "field x: Object missing required field `width`"),
        (one_field('name = "x", kind = "embedding", width = 0'), "field x: width: Expected `int` >= 1"),
        (
            one_field('name = "x", kind = "embedding", width = 2, default = [1.0]'),
            "field x: default has 1 numbers; it must have 2, all finite",
        ),
        (
            one_field('name = "x", kind = "sequence", length = 1, default = ["a", "b"]'),
            "field x: default has 2 elements; it may have up to 1",
        ),
        (
            one_field('name = "x", kind = "sequence", length = 1, of = "user"'),
            "field x: of is 'user'; it must be one of 'text', 'item'",
        ),
        (
            one_field('name = "x", kind = "float", counter = { events = ["clik"], half_life = 9 }'),
            "field x: counter.events is clik; it must name some of view, click, like,",
        ),
        (
            one_field('name = "x", kind = "float", counter = { events = ["click"] }'),
            "field x: counter: has no half_life; it must have events and half_life",
        ),
        (
            one_field('name = "x", kind = "float", counter = { events = ["click"], half_life = 0 }'),
            "field x: counter.half_life is 0.0; it must be longer than no time",
        ),
        (
            one_field('name = "x", kind = "float"', 'sensitivity = "pseudonymous"'),
            "view v: field x: a hash is no number; a 'pseudonymous' view may have fields of kind categorical and sequence",
        ),
        (
            one_field('name = "x", kind = "embedding", width = 65'),
            "the user views have 65 attributes, counting each place of an embedding or sequence; a user may have 64",
        ),
        (
            COMPLETE.replace('"demand"', '"profile"'),
            "view profile: the name occurs twice; each view must have its own",
        ),
        (
            COMPLETE.replace('"price"', '"clicks"'),
            "view demand: field clicks: 'clicks' is a field of view demand too; each item field must have its own name",
        ),
        (
            COMPLETE.replace('"age"', '"taste[1]"'),
            "view profile: field taste: 'taste[1]' is a field of view profile too; each user field must have its own name",
        ),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_named_with_its_place_and_what_is(text: str, message: str) -> None:
    """File, view, field, and what may stand there instead."""
    error = refusal(text)

    assert str(error).startswith("data/features.toml: ")
    assert message in str(error)


def test_the_same_name_may_be_a_field_of_users_and_of_items() -> None:
    """They are kept apart everywhere."""
    views = parse_views(COMPLETE.replace('"price"', '"age"'))

    assert [field.name for view in views for field in view.fields].count("age") == 2


def test_the_longest_name_leaves_room_for_the_number_of_a_place() -> None:
    """The attributes of an embedding are named after it, and must be names that the contracts take."""
    name = "x" * 61
    (view,) = parse_views(one_field(f'name = "{name}", kind = "embedding", width = 10'))

    assert len(view.fields[0].attribute_names[-1]) == 64
    assert "must have 1 to 64 bytes" in str(refusal(one_field(f'name = "{name}", kind = "embedding", width = 11')))
