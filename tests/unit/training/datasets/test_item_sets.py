"""Sets of items that come already split."""

from pathlib import Path

import pytest

from services.training.datasets import DatasetError, load_dataset
from services.training.datasets.item_lists import ids_in_order
from services.training.datasets.item_sets import read_fixed_split


def folder(path: Path, *, valid: str = "1 7\n") -> Path:
    """A small folder in the form of the published one."""
    root = path / "places"
    root.mkdir()
    (root / "train.txt").write_text("1 2 10\n0 10\n")
    (root / "test.txt").write_text("0 2 11\n1\n5 7\n")
    if valid:
        (root / "valid.txt").write_text(valid)
    return root


def test_ids_are_ordered_as_numbers_and_every_part_counts(tmp_path: Path) -> None:
    """Users and items that are in only one of the files are there as well."""
    dataset = load_dataset(folder(tmp_path))
    assert dataset.name == "places"
    assert [user.id for user in dataset.users] == ["0", "1", "5"]
    assert [item.id for item in dataset.items] == ["2", "7", "10", "11"]
    assert [item.title for item in dataset.items] == ["2", "7", "10", "11"]
    assert [row.tolist() for row in dataset.sequences()] == [[2, 0, 3], [0, 2, 1], [1]]


def test_the_split_is_that_of_the_files(tmp_path: Path) -> None:
    """Validation joins training, and the test stays apart."""
    split = read_fixed_split(folder(tmp_path)).split
    assert [row.tolist() for row in split.train] == [[2], [0, 2, 1], []]
    assert [row.tolist() for row in split.held_out] == [[0, 3], [], [1]]


def test_validation_may_be_missing(tmp_path: Path) -> None:
    """Many published splits have none."""
    split = read_fixed_split(folder(tmp_path, valid="")).split
    assert split.train.items_of(1).tolist() == [0, 2]


def test_a_user_with_two_lines_is_refused(tmp_path: Path) -> None:
    """One of them would be lost."""
    with pytest.raises(DatasetError, match=r"valid.txt:2: user '1' already stands in line 1"):
        load_dataset(folder(tmp_path, valid="1 7\n1 2\n"))


def test_ids_that_are_no_numbers_are_ordered_by_their_characters() -> None:
    """A single one among numbers is enough."""
    assert ids_in_order(["b", "10", "9", "b"]) == ["10", "9", "b"]
