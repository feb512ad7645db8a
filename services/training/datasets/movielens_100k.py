"""MovieLens 100K in the atomic-file layout: stars, timestamps, genres and demographics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from services.training.datasets.atomic_files import AtomicRow, atomic_rows
from services.training.datasets.dataset import Dataset, Item, User
from services.training.datasets.entity_rows import distinct, rows_by_id
from services.training.datasets.errors import DatasetError
from services.training.datasets.interactions import Interactions
from services.training.datasets.loader import has_files
from services.training.datasets.titles import natural_title
from shared.events import EventType

_INTERACTIONS = "ml-100k.inter"
_ITEMS = "ml-100k.item"
_USERS = "ml-100k.user"

# Three stars and more count as liked, as in the MovieLens 1M bundle.
LIKED_RATING = 3.0

_GENDERS = {"F": "female", "M": "male"}


class MovieLens100KLoader:
    """Reads `ml-100k.inter`, `ml-100k.item` and `ml-100k.user`: tab separated, with a header `name:type`."""

    name = "movielens-100k"
    required_files: tuple[str, ...] = (_INTERACTIONS, _ITEMS, _USERS)

    def recognises(self, folder: Path) -> bool:
        """Whether the folder holds every required file."""
        return has_files(folder, self.required_files)

    def load(self, folder: Path) -> Dataset:
        """Read the folder.

        Raises:
            DatasetError: a column is missing, a line does not have the form its header says, or names an unknown user
                or film.
        """
        items_path, users_path = folder / _ITEMS, folder / _USERS
        item_lines = atomic_rows(items_path, ("item_id", "movie_title", "release_year", "class"))
        user_lines = atomic_rows(users_path, ("user_id", "age", "gender", "occupation"))
        items = distinct(((row.line, _item(row)) for row in item_lines), path=items_path)
        users = distinct(((row.line, _user(row)) for row in user_lines), path=users_path)
        return Dataset.build(
            name=self.name,
            items=items,
            users=users,
            interactions=_read_interactions(
                folder / _INTERACTIONS,
                user_rows=rows_by_id(users),
                item_rows=rows_by_id(items),
            ),
            path=folder,
        )


def _item(row: AtomicRow) -> Item:
    year = row["release_year"]
    return Item(
        id=row["item_id"],
        title=natural_title(row["movie_title"]),
        categories=tuple(genre for genre in row["class"].split(" ") if genre != "unknown"),
        text="",
        # The published file holds two years that are none ("V" and "unkonwn"): those films have no year.
        attributes={"year": float(year)} if year.isdecimal() else {},
    )


def _user(row: AtomicRow) -> User:
    gender = row["gender"]
    if gender not in _GENDERS:
        raise DatasetError(
            f"gender is {gender!r}",
            remedy=f"Use one of {', '.join(_GENDERS)}.",
            path=row.path,
            line=row.line,
        )
    return User(
        id=row["user_id"],
        attributes={"age": row.number("age"), "gender": _GENDERS[gender], "occupation": row["occupation"]},
    )


def _read_interactions(path: Path, *, user_rows: Mapping[str, int], item_rows: Mapping[str, int]) -> Interactions:
    users: list[int] = []
    items: list[int] = []
    timestamps: list[int] = []
    liked: list[bool] = []
    for row in atomic_rows(path, ("user_id", "item_id", "rating", "timestamp")):
        users.append(row.row_of("user", user_rows, _USERS))
        items.append(row.row_of("item", item_rows, _ITEMS))
        timestamps.append(int(row.number("timestamp") * 1000))
        liked.append(row.number("rating") >= LIKED_RATING)
    types = np.where(liked, EventType.LIKE, EventType.VIEW)
    return Interactions.build(users=users, items=items, timestamps=timestamps, liked=liked, types=types)
