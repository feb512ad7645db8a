"""Finding the loader for a folder."""

from pathlib import Path

import pytest

from services.training.datasets import DatasetError, load_dataset
from services.training.datasets.loading import LOADERS

REPOSITORY = Path(__file__).resolve().parents[4]


def test_a_folder_of_no_known_format_is_told_every_format(tmp_path: Path) -> None:
    """The message is the list of what could be brought instead."""
    (tmp_path / "ratings.csv").touch()

    with pytest.raises(DatasetError) as refusal:
        load_dataset(tmp_path)

    for loader in LOADERS:
        assert loader.name in refusal.value.remedy
        for name in loader.required_files:
            assert name in refusal.value.remedy


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """A misspelt path is not a format problem."""
    with pytest.raises(DatasetError, match="missing: there is no such folder"):
        load_dataset(tmp_path / "missing")


def test_no_two_loaders_need_the_same_files() -> None:
    """Otherwise the order of the loaders would decide silently."""
    needs = [set(loader.required_files) for loader in LOADERS]

    for index, first in enumerate(needs):
        for second in needs[index + 1 :]:
            assert not first <= second
            assert not second <= first


def test_the_guide_names_every_format_and_file() -> None:
    """docs/data.md is where users learn what to bring."""
    guide = (REPOSITORY / "docs" / "data.md").read_text(encoding="utf-8")

    for loader in LOADERS:
        assert loader.name in guide
        for name in loader.required_files:
            assert f"`{name}`" in guide
