"""Files with a line for each user: the user's id, then the ids of items, separated by blanks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.training.datasets.errors import DatasetError
from services.training.datasets.text_lines import numbered_lines


@dataclass(frozen=True, slots=True)
class ItemList:
    """One line.

    Attributes:
        user: the user's id.
        items: ids in the order of the line; may be empty.
        line: where it stands in its file, from 1.
    """

    user: str
    items: tuple[str, ...]
    line: int


def read_item_lists(path: Path) -> list[ItemList]:
    """Read a file of lines `user item item ...`.

    Raises:
        DatasetError: the file cannot be read, or a user has two lines.
    """
    lists: list[ItemList] = []
    lines: dict[str, int] = {}
    for line, text in numbered_lines(path):
        user, *items = text.split()
        if user in lines:
            raise DatasetError(
                f"user {user!r} already stands in line {lines[user]}",
                remedy="Write all items of a user in one line.",
                path=path,
                line=line,
            )
        lines[user] = line
        lists.append(ItemList(user, tuple(items), line))
    return lists


def ids_in_order(ids: Iterable[str]) -> list[str]:
    """The distinct ids: by number where all are whole numbers, else by their characters."""
    distinct = set(ids)
    return sorted(distinct, key=int) if all(one.isdecimal() for one in distinct) else sorted(distinct)


def event_rows(
    lists: Sequence[ItemList], user_rows: dict[str, int], item_rows: dict[str, int]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The lists as parallel arrays of known ids.

    Returns:
        int32 [events] rows of users, and int32 [events] rows of items, in the order of the file.

    Raises:
        KeyError: an id has no row.
    """
    items = np.fromiter((item_rows[item] for one in lists for item in one.items), dtype=np.int32)
    rows = np.asarray([user_rows[one.user] for one in lists], dtype=np.int32)
    return np.repeat(rows, [len(one.items) for one in lists]), items
