"""Sequences of items with titles: who met what in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from services.training.datasets.dataset import Dataset, Item, User
from services.training.datasets.entity_rows import distinct, row_of, rows_by_id
from services.training.datasets.errors import DatasetError
from services.training.datasets.interactions import Interactions
from services.training.datasets.item_lists import ItemList, event_rows, read_item_lists
from services.training.datasets.loader import has_files
from services.training.datasets.text_lines import numbered_lines

_SEQUENCES = "sequences.txt"
_ITEMS = "items.tsv"
_ATTRIBUTES = "item_attributes.json"


class ItemSequencesLoader:
    """Reads `sequences.txt` and `items.tsv`, and where present `item_attributes.json`.

    A line of `sequences.txt` is `user item item ...`, oldest first; the files hold no times, so timestamps stand for
    positions. `items.tsv` starts with a line that names its columns; `item` and `title` are read. An item's attribute ids
    become its categories, `attribute_17` for id 17: one word each, that no number in a title can be taken for. The data set
    is called as its folder is.
    """

    name = "item-sequences"
    required_files: tuple[str, ...] = (_SEQUENCES, _ITEMS)

    def recognises(self, folder: Path) -> bool:
        """Whether the folder holds every required file."""
        return has_files(folder, self.required_files)

    def load(self, folder: Path) -> Dataset:
        """Read the folder.

        Raises:
            DatasetError: a line does not have the form its file should have, or names an item that `items.tsv` lacks.
        """
        items = distinct(_read_items(folder), path=folder / _ITEMS)
        lists = read_item_lists(folder / _SEQUENCES)
        users = [User(id=one.user, attributes={}) for one in lists]
        item_rows = rows_by_id(items)
        _check_items(lists, item_rows, folder / _SEQUENCES)
        user_column, item_column = event_rows(lists, rows_by_id(users), item_rows)
        return Dataset.build(
            name=folder.resolve().name,
            items=items,
            users=users,
            interactions=Interactions.build(users=user_column, items=item_column),
            path=folder,
        )


def _read_items(folder: Path) -> Iterator[tuple[int, Item]]:
    path = folder / _ITEMS
    attributes = _read_attributes(folder / _ATTRIBUTES)
    lines = numbered_lines(path)
    first, header = next(lines, (1, ""))
    columns = header.split("\t")
    if not {"item", "title"} <= set(columns):
        raise DatasetError(
            "the first line does not name the columns item and title",
            remedy="Start the file with a tab-separated line of column names.",
            path=path,
            line=first,
        )
    id_column, title_column = columns.index("item"), columns.index("title")
    for line, text in lines:
        fields = text.split("\t")
        if len(fields) != len(columns):
            raise DatasetError(
                f"the line has {len(fields)} fields, but the first line has {len(columns)}",
                remedy="Separate the fields by one tab each.",
                path=path,
                line=line,
            )
        item_id = fields[id_column]
        categories = tuple(f"attribute_{one}" for one in attributes.get(item_id, ()))
        yield line, Item(item_id, fields[title_column] or item_id, categories, "", {})


def _read_attributes(path: Path) -> dict[str, tuple[int, ...]]:
    if not path.is_file():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, tuple[int, ...]])
    except msgspec.DecodeError as error:
        raise DatasetError(
            f"the file is not a JSON object of item id to a list of attribute ids ({error})",
            remedy="Restore the original file, or remove it to train without attributes.",
            path=path,
        ) from error


def _check_items(lists: Sequence[ItemList], rows: dict[str, int], path: Path) -> None:
    for one in lists:
        for item in one.items:
            row_of(rows, item, kind="item", listed_in=_ITEMS, path=path, line=one.line)
