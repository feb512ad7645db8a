"""The format in which users bring their own data."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.training.datasets import Dataset, DatasetError, Interactions, Item, User, load_dataset, write_dataset
from services.training.datasets.winnow_format import WinnowLoader
from shared.events import EventType
from shared.feature_views import DERIVED, FeatureView, FloatField

FILES = {
    "items.jsonl": (
        '{"id":"b-1","title":"One","categories":["Fantasy"],"text":"A book.","attributes":{"year":1964,"format":"e"}}\n'
        '{"id":"b-2","title":"Two"}\n'
    ),
    "users.jsonl": '{"id":"u-1","attributes":{"age":42}}\n{"id":"u-2"}\n',
    "events.jsonl": (
        '{"user_id":"u-2","item_id":"b-1","timestamp":1777916000000}\n'
        '{"user_id":"u-1","item_id":"b-2","timestamp":"2026-05-04T19:31:05.25+02:00","type":"dislike"}\n'
        '{"user_id":"u-1","item_id":"b-1","timestamp":"2026-05-04T17:31:05Z","type":"purchase"}\n'
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete small data set, as a user would write it."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_items_and_users_are_read_with_their_defaults(folder: Path) -> None:
    """Whole numbers become floats; optional fields are empty when absent."""
    dataset = load_dataset(folder)

    assert dataset.name == folder.name
    assert dataset.items == (
        Item("b-1", "One", ("Fantasy",), "A book.", {"year": 1964.0, "format": "e"}),
        Item("b-2", "Two", (), "", {}),
    )
    assert dataset.users == (User("u-1", {"age": 42.0}), User("u-2", {}))


def test_a_list_becomes_an_attribute_for_each_place(folder: Path) -> None:
    """As it is stored and sent everywhere else."""
    (folder / "users.jsonl").write_text('{"id":"u-1","attributes":{"taste":[0.5,2],"genre":["war"]}}\n{"id":"u-2"}\n')

    assert load_dataset(folder).users[0].attributes == {"taste[0]": 0.5, "taste[1]": 2.0, "genre[0]": "war"}


def test_the_time_of_attributes_is_read_where_it_is_given(folder: Path) -> None:
    """In both spellings; elsewhere nobody knows it."""
    (folder / "users.jsonl").write_text('{"id":"u-1","updated_at":"2026-05-04T17:31:05Z"}\n{"id":"u-2"}\n')

    assert [user.updated_ms for user in load_dataset(folder).users] == [1777915865000, None]


def test_what_happened_is_read_with_the_events(folder: Path) -> None:
    """Counters tell a purchase from a view."""
    kinds = (EventType.PURCHASE, EventType.DISLIKE, EventType.VIEW)
    assert load_dataset(folder).interactions.types.tolist() == list(kinds)


def test_the_declaration_in_the_folder_is_read(folder: Path) -> None:
    """Without it the views follow from the attributes."""
    assert load_dataset(folder).declared_views is None
    assert [view.version for view in load_dataset(folder).views()] == [DERIVED, DERIVED]

    (folder / "features.toml").write_text(
        '[[views]]\nname = "v"\nentity = "user"\nfields = [{name = "age", kind = "int"}]\n'
    )

    assert [(view.name, view.version) for view in load_dataset(folder).views()] == [("v", 1)]


def test_a_declaration_that_says_what_it_may_not_is_an_error_of_the_data_set(folder: Path) -> None:
    """With its file, its place, and where to read on."""
    (folder / "features.toml").write_text("[[views]]\n")

    with pytest.raises(DatasetError, match=r"features\.toml: view number 1: .*\. docs/feature-views\.md says what"):
        load_dataset(folder)


def test_events_are_read_in_both_spellings_of_time(folder: Path) -> None:
    """RFC 3339 with its zone and milliseconds mean the same clock; only a dislike is not liked."""
    interactions = load_dataset(folder).interactions

    assert interactions.timestamps.tolist() == [1777915865000, 1777915865250, 1777916000000]
    assert interactions.items.tolist() == [0, 1, 0]
    assert interactions.liked.tolist() == [True, False, True]
    assert interactions.timed


def test_what_was_waved_away_joins_no_history(folder: Path) -> None:
    """A dislike is of something not taken up; a view that was not liked is part of the history all the same."""
    with (folder / "events.jsonl").open("a") as file:
        file.write('{"user_id":"u-2","item_id":"b-2","timestamp":"2026-06-01T12:00:00Z","liked":false}\n')

    dataset = load_dataset(folder)

    assert [items.tolist() for items in dataset.sequences()] == [[0, 1], [0, 1]]
    assert [items.tolist() for items in dataset.histories()] == [[0], [0, 1]]
    assert dataset.sequences().liked.tolist() == [True, False, True, False]


def test_without_a_list_of_users_they_are_those_of_the_events(folder: Path) -> None:
    """In order of first appearance, and without attributes."""
    (folder / "users.jsonl").unlink()

    dataset = load_dataset(folder)

    assert dataset.users == (User("u-2", {}), User("u-1", {}))
    assert [items.tolist() for items in dataset.sequences()] == [[0], [0, 1]]


@pytest.mark.parametrize(
    ("name", "line", "problem"),
    [
        ("items.jsonl", '{"id":"b-3"', "Input data was truncated"),
        ("items.jsonl", '{"id":"b-3"}', "Object missing required field `title`"),
        ("items.jsonl", '{"id":3,"title":"x"}', "Expected `str`, got `int` - at `$.id`"),
        ("items.jsonl", '{"id":"","title":"x"}', "id must have 1 to 256 bytes"),
        ("items.jsonl", '{"id":"b-3","title":"x","colour":"red"}', "Object contains unknown field `colour`"),
        (
            "items.jsonl",
            '{"id":"b-3","title":"x","attributes":{"":1}}',
            "the attribute name '' must have 1 to 64 bytes",
        ),
        ("items.jsonl", '{"id":"b-3","title":"x","attributes":{"a":[]}}', "the list 'a' must hold strings, or"),
        ("items.jsonl", '{"id":"b-3","title":"x","attributes":{"a":[1,"b"]}}', "the list 'a' must hold strings, or"),
        ("items.jsonl", '{"id":"b-3","title":"x","updated_at":1777916000}', "updated_at is not in milliseconds"),
        ("users.jsonl", '{"id":"u-3","updated_at":"1969-12-31T23:59:59Z"}', "updated_at lies before 1970"),
        ("items.jsonl", '{"id":"b-1","title":"again"}', "id 'b-1' already stands in line 1"),
        ("users.jsonl", '{"id":"u-1"}', "id 'u-1' already stands in line 1"),
        ("users.jsonl", '{"id":"u-3","attributes":{"age":null}}', "Expected `float | str | array`, got `null`"),
        ("users.jsonl", f'{{"id":"{"ü" * 129}"}}', "id must have 1 to 256 bytes"),
        ("events.jsonl", '{"user_id":"u-1","item_id":"b-9","timestamp":1777916000000}', "item 'b-9' is not in items.j"),
        ("events.jsonl", '{"user_id":"u-9","item_id":"b-1","timestamp":1777916000000}', "user 'u-9' is not in users.j"),
        (
            "events.jsonl",
            '{"user_id":"","item_id":"b-1","timestamp":1777916000000}',
            "user_id must have 1 to 256 bytes",
        ),
        (
            "events.jsonl",
            '{"user_id":"u-1","item_id":"b-1","timestamp":1777916000}',
            "timestamp is not in milliseconds",
        ),
        (
            "events.jsonl",
            '{"user_id":"u-1","item_id":"b-1","timestamp":"1969-12-31T23:59:59Z"}',
            "timestamp lies before",
        ),
        ("events.jsonl", '{"user_id":"u-1","item_id":"b-1","timestamp":"2026-05-04T17:31:05"}', "Expected `datetime`"),
        (
            "events.jsonl",
            '{"user_id":"u-1","item_id":"b-1","timestamp":"2026-05-04T17:31:05Z","type":"sold"}',
            "Invalid",
        ),
        (
            "events.jsonl",
            '{"user_id":"u-1","item_id":"b-1","timestamp":1777916000000,"type":"dislike","liked":true}',
            "liked is true for a dislike",
        ),
    ],
)
def test_a_bad_line_is_named_with_its_file(folder: Path, name: str, line: str, problem: str) -> None:
    """The line is the last one of the file; the message names the field where there is one."""
    (folder / name).write_text(FILES[name] + line + "\n", encoding="utf-8")
    number = FILES[name].count("\n") + 1

    with pytest.raises(DatasetError, match=re.escape(f"{folder}/{name}:{number}: {problem}")):
        load_dataset(folder)


def test_a_line_that_is_not_utf8_is_named(folder: Path) -> None:
    """A file saved in another encoding is refused instead of misread."""
    (folder / "items.jsonl").write_bytes(FILES["items.jsonl"].encode() + '{"id":"é"}'.encode("latin-1"))

    with pytest.raises(DatasetError, match=r"items.jsonl:3: the line is not utf-8 text"):
        load_dataset(folder)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Asked directly, the loader does not fail with an error of the operating system."""
    with pytest.raises(DatasetError, match=r"items.jsonl: the file cannot be read \(No such file or directory\)"):
        WinnowLoader().load(tmp_path)


def test_blank_lines_and_windows_line_ends_do_no_harm(folder: Path) -> None:
    """Editors leave them behind."""
    (folder / "users.jsonl").write_bytes(b'\r\n{"id":"u-1"}\r\n\r\n{"id":"u-2"}\r\n')

    assert [user.id for user in load_dataset(folder).users] == ["u-1", "u-2"]


@given(
    times=st.lists(st.integers(10**11, 2 * 10**12), min_size=1, max_size=12),
    text=st.text(st.characters(exclude_categories=["Cs"])),
    number=st.floats(allow_nan=False, allow_infinity=False),
)
def test_what_is_written_is_read_back(
    times: list[int], text: str, number: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any text, number and order of events survives a round trip, down to the bytes of the second writing."""
    folder = tmp_path_factory.mktemp("dataset")
    written = Dataset.build(
        name=folder.name,
        items=[Item("a", text, (text,), text, {"number": number}), Item("b", "", (), "", {"word": text})],
        users=[User("u", {"number": number}, times[0]), User("v", {"list[0]": text})],
        interactions=Interactions.build(
            users=[index % 2 for index in range(len(times))],
            items=[index // 2 % 2 for index in range(len(times))],
            timestamps=times,
            liked=[time % 2 == 0 for time in times],
            viewed=[time % 2 == 0 or time % 3 == 0 for time in times],  # what was waved away was not liked
        ),
        declared_views=(FeatureView(name="v", entity="user", owner=text, fields=(FloatField("number"),)),),
    )

    write_dataset(written, folder)
    read = load_dataset(folder)
    write_dataset(read, folder / "again")

    assert (read.name, read.items, read.users) == (written.name, written.items, written.users)
    assert read.declared_views == written.declared_views
    for column in ("users", "items", "timestamps", "liked", "viewed", "types"):
        assert getattr(read.interactions, column).tolist() == getattr(written.interactions, column).tolist()
    for name in ("items.jsonl", "users.jsonl", "events.jsonl", "features.toml"):
        assert (folder / name).read_bytes() == (folder / "again" / name).read_bytes()


def test_events_are_written_in_order_of_time(tmp_path: Path) -> None:
    """The file reads like a log, whoever the events belong to."""
    dataset = Dataset.build(
        name="log",
        items=[Item("a", "A", (), "", {}), Item("b", "B", (), "", {})],
        users=[User("u", {}), User("v", {})],
        interactions=Interactions.build(users=[0, 0, 1], items=[0, 1, 0], timestamps=[10**12, 3 * 10**12, 2 * 10**12]),
    )

    write_dataset(dataset, tmp_path)

    lines = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert [re.findall(r'"user_id":"(.)"', line) for line in lines] == [["u"], ["v"], ["u"]]
