"""The published MovieLens files, on machines that have a copy of them."""

from services.training.datasets import load_dataset
from services.training.datasets.item_sets import read_fixed_split
from tests.published_data import published


def test_movielens_1m_has_the_published_size_and_its_ids_line_up() -> None:
    """User 1 and film 1 are known from the data set's own documentation; the first films of user 1 from its ratings."""
    dataset = load_dataset(published("ml-1m"))

    assert (len(dataset.items), len(dataset.users), len(dataset.interactions)) == (3_883, 6_040, 999_608)
    assert dataset.interactions.liked.sum() == 835_789
    assert dataset.items[0].title == "Toy Story (1995)"
    assert dataset.users[0].attributes == {"gender": "female", "age_band": "under 18", "occupation": "K-12 student"}
    first_films = dataset.sequences().items_of(0)[:4]
    assert [dataset.items[item].id for item in first_films] == ["3186", "1270", "1721", "1022"]
    assert sum(bool(item.text) for item in dataset.items) == 3_301


def test_movielens_100k_has_the_published_size_and_its_ids_line_up() -> None:
    """User 1 and film 1 are known from the data set's own documentation."""
    dataset = load_dataset(published("ml-100k"))

    assert (len(dataset.items), len(dataset.users), len(dataset.interactions)) == (1_682, 943, 100_000)
    assert dataset.interactions.liked.sum() == 82_520
    assert (dataset.items[0].title, dataset.items[0].attributes) == ("Toy Story", {"year": 1995.0})
    assert dataset.users[0].attributes == {"age": 24.0, "gender": "male", "occupation": "technician"}
    assert [index for index, item in enumerate(dataset.items) if "year" not in item.attributes] == [266, 1411]


def test_beauty_has_the_published_size_and_every_item_a_title() -> None:
    """The first line of each file is known from looking at them."""
    dataset = load_dataset(published("beauty"))

    assert (dataset.name, len(dataset.items), len(dataset.users), len(dataset.interactions)) == (
        "beauty", 12_101, 22_363, 198_502,
    )  # fmt: skip
    assert dataset.items[0].title == "OPI Nail Lacquer, Simmer and Shimmer, 0.5-Fluid Ounce"
    assert [dataset.items[item].id for item in dataset.sequences().items_of(0)] == ["1", "2", "3", "4", "5"]
    assert all(item.title for item in dataset.items)
    assert sum(bool(item.categories) for item in dataset.items) > 12_000


def test_gowalla_has_the_published_size_and_split() -> None:
    """All of test.txt is held out, and nothing of it is known."""
    read = read_fixed_split(published("gowalla"))

    assert (len(read.dataset.items), len(read.dataset.users)) == (40_981, 29_858)
    assert len(read.split.train.items) == 719_081 + 91_047
    assert len(read.split.held_out.items) == 217_242
