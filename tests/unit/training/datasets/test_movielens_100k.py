"""Reading MovieLens 100K, from a folder of the same form and two films."""

from pathlib import Path

import pytest

from services.training.datasets import DatasetError, load_dataset
from services.training.datasets.movielens_100k import MovieLens100KLoader
from shared.events import EventType

FILES = {
    "ml-100k.item": (
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "1\tToy Story\t1995\tAnimation Children's\n"
        "267\tNet, The\tunkonwn\tunknown\n"
    ),
    "ml-100k.user": (
        "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n"
        "1\t24\tM\ttechnician\t85711\n"
        "2\t53\tF\tother\t94043\n"
    ),
    "ml-100k.inter": (
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "2\t1\t3\t881250949\n"
        "1\t267\t5\t891717742\n"
        "1\t1\t2\t881250000\n"
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder as published, very small."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_films_have_titles_years_and_genres(folder: Path) -> None:
    """What the published files call unknown is absent rather than a category or a year."""
    toys, net = load_dataset(folder).items

    assert (toys.title, toys.categories, toys.attributes) == (
        "Toy Story",
        ("Animation", "Children's"),
        {"year": 1995.0},
    )
    assert (net.title, net.categories, net.attributes) == ("The Net", (), {})


def test_users_have_age_gender_and_occupation(folder: Path) -> None:
    """The age is a number, the others are words."""
    assert load_dataset(folder).users[0].attributes == {"age": 24.0, "gender": "male", "occupation": "technician"}


def test_events_are_ordered_by_their_real_times_in_milliseconds(folder: Path) -> None:
    """User 1's lines are out of order in the file."""
    dataset = load_dataset(folder)

    assert dataset.name == "movielens-100k"
    assert [items.tolist() for items in dataset.sequences()] == [[0, 1], [0]]
    assert dataset.interactions.timestamps.tolist() == [881250000000, 891717742000, 881250949000]
    assert dataset.interactions.timed


def test_three_stars_and_more_are_liked(folder: Path) -> None:
    """Two stars are not, three and five are; every rating is of a film that was seen."""
    interactions = load_dataset(folder).interactions

    assert interactions.liked.tolist() == [False, True, True]
    assert interactions.types.tolist() == [EventType.VIEW, EventType.LIKE, EventType.LIKE]


@pytest.mark.parametrize(
    ("name", "change", "line", "problem"),
    [
        ("ml-100k.item", ("release_year", "year"), 1, "the header lacks release_year"),
        ("ml-100k.item", ("1\tToy Story", "267\tToy Story"), 3, "id '267' already stands in line 2"),
        ("ml-100k.user", ("\t85711", ""), 2, "the line has 4 fields, but the header has 5"),
        ("ml-100k.user", ("\t53\t", "\told\t"), 3, "age is 'old', not a number"),
        ("ml-100k.user", ("\tF\t", "\tX\t"), 3, "gender is 'X'"),
        ("ml-100k.inter", ("\t5\t", "\tnan\t"), 3, "rating is 'nan', not a number"),
        ("ml-100k.inter", ("881250949", "then"), 2, "timestamp is 'then', not a number"),
        ("ml-100k.inter", ("2\t1\t3", "9\t1\t3"), 2, "user '9' is not in ml-100k.user"),
        ("ml-100k.inter", ("2\t1\t3", "2\t9\t3"), 2, "item '9' is not in ml-100k.item"),
    ],
)
def test_a_bad_line_is_named_with_its_file(
    folder: Path, name: str, change: tuple[str, str], line: int, problem: str
) -> None:
    """Whoever brings the data can go straight to the line."""
    (folder / name).write_text(FILES[name].replace(*change, 1), encoding="utf-8")

    with pytest.raises(DatasetError) as refusal:
        load_dataset(folder)

    assert str(refusal.value).startswith(f"{folder}/{name}:{line}: {problem}")


def test_an_empty_file_lacks_its_header(folder: Path) -> None:
    """Truncated copies happen."""
    (folder / "ml-100k.inter").write_text("", encoding="utf-8")

    with pytest.raises(DatasetError, match=r"ml-100k.inter:1: the header lacks user_id, item_id, rating, timestamp"):
        load_dataset(folder)


@pytest.mark.parametrize("missing", MovieLens100KLoader.required_files)
def test_a_folder_that_lacks_a_file_is_not_movielens_100k(folder: Path, missing: str) -> None:
    """All three are needed."""
    assert MovieLens100KLoader().recognises(folder)

    (folder / missing).unlink()

    assert not MovieLens100KLoader().recognises(folder)
