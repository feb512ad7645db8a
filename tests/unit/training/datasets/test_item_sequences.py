"""Sequences of items with titles."""

from pathlib import Path

import pytest

from services.training.datasets import DatasetError, load_dataset


def folder(path: Path, **changes: str) -> Path:
    """A small folder in the form of the published one; a file is replaced by what is given for it, or left out if empty."""
    files = {
        "sequences": "1 10 20 10\n2 20 30\n",
        "items": "item\tasin\ttitle\n10\tB1\tHand cream\n20\tB2\tSoap, 3 pieces\n30\tB3\t\n",
        "item_attributes": '{"10": [3, 17]}',
    } | changes
    names = {"sequences": "sequences.txt", "items": "items.tsv", "item_attributes": "item_attributes.json"}
    root = path / "shop"
    root.mkdir()
    for name, text in files.items():
        if text:
            (root / names[name]).write_text(text)
    return root


def test_everything_in_the_files_is_read(tmp_path: Path) -> None:
    """Orders, titles and attributes; an item without a title is called by its id, and the data set as its folder."""
    dataset = load_dataset(folder(tmp_path))
    assert dataset.name == "shop"
    assert [user.id for user in dataset.users] == ["1", "2"]
    assert [(item.id, item.title) for item in dataset.items] == [
        ("10", "Hand cream"),
        ("20", "Soap, 3 pieces"),
        ("30", "30"),
    ]
    assert dataset.items[0].categories == ("attribute_3", "attribute_17")
    assert [row.tolist() for row in dataset.sequences()] == [[0, 1, 0], [1, 2]]
    assert not dataset.interactions.timed


def test_attributes_may_be_missing(tmp_path: Path) -> None:
    """They are in no way needed."""
    assert load_dataset(folder(tmp_path, item_attributes="")).items[0].categories == ()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"items": "item\tname\n1\tx\n"}, r"items.tsv:1: the first line does not name the columns item and title"),
        ({"items": "item\ttitle\n10\ta\tb\n"}, r"items.tsv:2: the line has 3 fields, but the first line has 2"),
        ({"items": "item\ttitle\n10\ta\n10\tb\n"}, r"items.tsv:3: id '10' already stands in line 2"),
        ({"sequences": "1 10 20\n2 99\n"}, r"sequences.txt:2: item '99' is not in items.tsv"),
        ({"sequences": "1 10 20\n1 20\n"}, r"sequences.txt:2: user '1' already stands in line 1"),
        ({"item_attributes": "[1]"}, r"item_attributes.json: the file is not a JSON object"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_named_with_its_line(
    tmp_path: Path, changes: dict[str, str], problem: str
) -> None:
    """So that whoever brings it can go there."""
    with pytest.raises(DatasetError, match=problem):
        load_dataset(folder(tmp_path, **changes))
