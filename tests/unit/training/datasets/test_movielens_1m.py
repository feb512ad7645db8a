"""Reading MovieLens 1M, from a folder of the same form and three films."""

import json
from pathlib import Path

import pytest

from services.training.datasets import DatasetError, load_dataset
from services.training.datasets.movielens_1m import MovieLens1MLoader

FILES = {
    "movies.dat": "1::Toy Story (1995)::Animation|Comedy\n9::Misérables, Les (1995)::Drama\n4::Unseen::Drama\n",
    "users.dat": "7::F::1::10::48067\n3::M::56::16::70072\n",
    "sequences.txt": "3 9 1\n7 1 9\n",
    "liked.txt": "3 1\n7 1 9\n",
    "abstracts.json": json.dumps({"1": "Toys come alive."}),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder as published, very small."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="latin-1")
    return tmp_path


def test_every_film_becomes_an_item_also_without_ratings(folder: Path) -> None:
    """Titles are as people write them, years are numbers, and abstracts are the text."""
    toys, miserables, unseen = load_dataset(folder).items

    assert (toys.id, toys.title, toys.categories) == ("1", "Toy Story (1995)", ("Animation", "Comedy"))
    assert (toys.text, toys.attributes) == ("Toys come alive.", {"year": 1995.0})
    assert (miserables.title, miserables.text) == ("Les Misérables (1995)", "")
    assert (unseen.title, unseen.attributes) == ("Unseen", {})


def test_codes_of_users_become_words(folder: Path) -> None:
    """The published code book is applied, so that a schema or a report can be read."""
    girl, man = load_dataset(folder).users

    assert girl.attributes == {"gender": "female", "age_band": "under 18", "occupation": "K-12 student"}
    assert man.attributes == {"gender": "male", "age_band": "56 or over", "occupation": "self-employed"}


def test_sequences_belong_to_their_users_whatever_the_order_of_lines(folder: Path) -> None:
    """Lines of sequences come in another order than users; positions stand for times."""
    dataset = load_dataset(folder)

    assert dataset.name == "movielens-1m"
    assert [items.tolist() for items in dataset.sequences()] == [[0, 1], [1, 0]]
    assert not dataset.interactions.timed


def test_what_is_missing_from_the_liked_file_was_disliked(folder: Path) -> None:
    """User 3 watched films 9 and 1 and liked only 1."""
    assert load_dataset(folder).sequences().liked.tolist() == [True, True, False, True]


def test_without_the_optional_files_everything_is_liked_and_without_text(folder: Path) -> None:
    """Neither file is needed to train on sequences."""
    (folder / "liked.txt").unlink()
    (folder / "abstracts.json").unlink()

    dataset = load_dataset(folder)

    assert dataset.interactions.liked.all()
    assert {item.text for item in dataset.items} == {""}


def test_a_film_has_its_poster_where_there_is_one(folder: Path) -> None:
    """The file is named after the film's id; most are never opened, so it need not be a picture yet."""
    (folder / "posters").mkdir()
    (folder / "posters" / "9.jpg").write_bytes(b"")

    assert [item.image for item in load_dataset(folder).items] == [None, folder / "posters" / "9.jpg", None]


def test_windows_line_ends_are_no_part_of_the_last_field(folder: Path) -> None:
    """A genre with an invisible character at its end would be a category of its own."""
    (folder / "movies.dat").write_bytes(FILES["movies.dat"].replace("\n", "\r\n").encode("latin-1"))

    assert [item.categories for item in load_dataset(folder).items] == [("Animation", "Comedy"), ("Drama",), ("Drama",)]


@pytest.mark.parametrize(
    ("name", "text", "place", "problem"),
    [
        ("movies.dat", "1::Toy Story (1995)\n", "movies.dat:1", "the line has 2 fields, not 3"),
        ("movies.dat", "1::A::B\n\n1::C::D\n", "movies.dat:3", "id '1' already stands in line 1"),
        ("users.dat", "7::F::1::10::48067\n3::X::56::16::7\n", "users.dat:2", "gender is 'X'"),
        ("users.dat", "7::F::2::10::48067\n", "users.dat:1", "age is '2'"),
        ("users.dat", "7::F::1::21::48067\n", "users.dat:1", "occupation is '21'"),
        ("sequences.txt", "3 9\n7 1 8\n", "sequences.txt:2", "item '8' is not in movies.dat"),
        ("sequences.txt", "5 9\n", "sequences.txt:1", "user '5' is not in users.dat"),
        ("liked.txt", "3 8\n", "liked.txt:1", "item '8' is not in movies.dat"),
        ("abstracts.json", "[]", "abstracts.json", "the file is not a JSON object of film id to abstract"),
    ],
)
def test_a_bad_line_is_named_with_its_file(folder: Path, name: str, text: str, place: str, problem: str) -> None:
    """Whoever brings the data can go straight to the line."""
    (folder / name).write_text(text, encoding="latin-1")

    with pytest.raises(DatasetError) as refusal:
        load_dataset(folder)

    assert str(refusal.value).startswith(f"{folder}/{place}: {problem}")


@pytest.mark.parametrize("missing", MovieLens1MLoader.required_files)
def test_a_folder_that_lacks_a_required_file_is_not_movielens_1m(folder: Path, missing: str) -> None:
    """Other data sets share some of the file names."""
    assert MovieLens1MLoader().recognises(folder)

    (folder / missing).unlink()

    assert not MovieLens1MLoader().recognises(folder)
