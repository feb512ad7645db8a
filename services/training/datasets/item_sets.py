"""Sets of items that were split into training and test once and for all: who met what, in no order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.training.datasets.dataset import Dataset, Item, User
from services.training.datasets.entity_rows import rows_by_id
from services.training.datasets.interactions import Interactions, Sequences
from services.training.datasets.item_lists import ItemList, event_rows, ids_in_order, read_item_lists
from services.training.datasets.loader import has_files
from services.training.datasets.splits import Split

_TRAIN = "train.txt"
_VALID = "valid.txt"
_TEST = "test.txt"


class ItemSetsLoader:
    """Reads `train.txt` and `test.txt`, and where present `valid.txt`: lines `user item item ...`.

    As a data set to train on, all of them count, in the order of the files. Items have nothing but their ids, which are
    their titles too. The data set is called as its folder is.
    """

    name = "item-sets"
    required_files: tuple[str, ...] = (_TRAIN, _TEST)

    def recognises(self, folder: Path) -> bool:
        """Whether the folder holds every required file."""
        return has_files(folder, self.required_files)

    def load(self, folder: Path) -> Dataset:
        """Read the folder.

        Raises:
            DatasetError: a file cannot be read, a user has two lines in one file, or there is too little to train on.
        """
        return read_fixed_split(folder).dataset


@dataclass(frozen=True, slots=True, eq=False)
class FixedSplit:
    """A folder as it is and as it was split.

    Attributes:
        dataset: everything.
        split: `train` holds train.txt and valid.txt, `held_out` holds test.txt.
    """

    dataset: Dataset
    split: Split


def read_fixed_split(folder: Path) -> FixedSplit:
    """Read a folder of `train.txt`, `test.txt` and, where present, `valid.txt`.

    Raises:
        DatasetError: a file cannot be read, a user has two lines in one file, or there is too little to train on.
    """
    known = read_item_lists(folder / _TRAIN)
    if (folder / _VALID).is_file():
        known += read_item_lists(folder / _VALID)
    held_out = read_item_lists(folder / _TEST)
    users = [User(id=one, attributes={}) for one in ids_in_order(one.user for one in known + held_out)]
    ids = ids_in_order(item for one in known + held_out for item in one.items)
    items = [Item(id=one, title=one, categories=(), text="", attributes={}) for one in ids]
    user_rows, item_rows = rows_by_id(users), rows_by_id(items)

    def interactions(lists: list[ItemList]) -> Interactions:
        user_column, item_column = event_rows(lists, user_rows, item_rows)
        return Interactions.build(users=user_column, items=item_column)

    def sequences(lists: list[ItemList]) -> Sequences:
        return interactions(lists).sequences(len(users))

    dataset = Dataset.build(
        name=folder.resolve().name,
        items=items,
        users=users,
        interactions=interactions(known + held_out),
        path=folder,
    )
    return FixedSplit(dataset, Split(train=sequences(known), held_out=sequences(held_out)))
