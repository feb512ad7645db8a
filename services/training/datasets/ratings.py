"""Stars that people gave to items."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.training.datasets.atomic_files import atomic_rows
from services.training.datasets.errors import DatasetError


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Ratings as parallel arrays of length n.

    Attributes:
        users: int64 [n], from 0 to `num_users` - 1.
        items: int64 [n], from 0 to `num_items` - 1.
        values: float64 [n].
        num_users: People, those without ratings too.
        num_items: Items, those without ratings too.
    """

    users: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    num_users: int
    num_items: int

    def __len__(self) -> int:
        """The number of ratings."""
        return len(self.values)

    def take(self, rows: npt.NDArray[np.integer]) -> Ratings:
        """The ratings of these rows, among the same users and items."""
        return Ratings(self.users[rows], self.items[rows], self.values[rows], self.num_users, self.num_items)


def read_ratings(folder: Path) -> Ratings:
    """Read the one `*.inter` file of a folder: tab separated, with columns `user_id`, `item_id` and `rating`.

    Raises:
        DatasetError: there is no such file or more than one, a column is missing, a rating is no number, or there are none.
    """
    paths = sorted(folder.glob("*.inter"))
    if len(paths) != 1:
        raise DatasetError(
            f"the folder has {len(paths)} files of the form NAME.inter, not one",
            remedy="Bring one: tab separated, with a header user_id:token, item_id:token, rating:float.",
            path=folder,
        )
    users: list[str] = []
    items: list[str] = []
    values: list[float] = []
    for row in atomic_rows(paths[0], ("user_id", "item_id", "rating")):
        users.append(row["user_id"])
        items.append(row["item_id"])
        values.append(row.number("rating"))
    if not values:
        raise DatasetError("there are no ratings", remedy="Bring at least one line.", path=paths[0])
    user_ids, user_rows = np.unique(users, return_inverse=True)
    item_ids, item_rows = np.unique(items, return_inverse=True)
    return Ratings(
        user_rows.astype(np.int64), item_rows.astype(np.int64), np.asarray(values), len(user_ids), len(item_ids)
    )
