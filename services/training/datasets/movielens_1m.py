"""MovieLens 1M as sequences: who watched what in which order, with film abstracts as text and posters as images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import numpy as np

from services.training.datasets.dataset import Dataset, Item, User
from services.training.datasets.entity_rows import distinct, row_of, rows_by_id
from services.training.datasets.errors import DatasetError
from services.training.datasets.interactions import Interactions
from services.training.datasets.loader import has_files
from services.training.datasets.text_lines import numbered_lines
from services.training.datasets.titles import natural_title, year_in_title

_GENDERS = {"F": "female", "M": "male"}
_AGE_BANDS = {
    "1": "under 18",
    "18": "18-24",
    "25": "25-34",
    "35": "35-44",
    "45": "45-49",
    "50": "50-55",
    "56": "56 or over",
}
_OCCUPATIONS = {
    "0": "other or not specified",
    "1": "academic or educator",
    "2": "artist",
    "3": "clerical or administrative",
    "4": "college or graduate student",
    "5": "customer service",
    "6": "doctor or health care",
    "7": "executive or managerial",
    "8": "farmer",
    "9": "homemaker",
    "10": "K-12 student",
    "11": "lawyer",
    "12": "programmer",
    "13": "retired",
    "14": "sales or marketing",
    "15": "scientist",
    "16": "self-employed",
    "17": "technician or engineer",
    "18": "tradesman or craftsman",
    "19": "unemployed",
    "20": "writer",
}


class MovieLens1MLoader:
    """Reads `sequences.txt`, `movies.dat` and `users.dat`, and where present `liked.txt`, `abstracts.json` and `posters`.

    Every film of `movies.dat` becomes an item, also those that nobody watched: content can still find them. The files
    hold no times, so timestamps stand for positions (`Interactions.timed` is False). A film in a user's sequence but
    not in that user's line of `liked.txt` was disliked; without that file everything counts as liked.
    """

    name = "movielens-1m"
    required_files: tuple[str, ...] = ("sequences.txt", "movies.dat", "users.dat")

    def recognises(self, folder: Path) -> bool:
        """Whether the folder holds every required file."""
        return has_files(folder, self.required_files)

    def load(self, folder: Path) -> Dataset:
        """Read the folder.

        Raises:
            DatasetError: a line does not have the form its file should have, or names an unknown user or film.
        """
        items = distinct(_read_items(folder), path=folder / "movies.dat")
        users = distinct(_read_users(folder / "users.dat"), path=folder / "users.dat")
        return Dataset.build(
            name=self.name,
            items=items,
            users=users,
            interactions=_read_interactions(
                folder,
                user_rows=rows_by_id(users),
                item_rows=rows_by_id(items),
            ),
            path=folder,
        )


def _read_items(folder: Path) -> Iterator[tuple[int, Item]]:
    abstracts = _read_abstracts(folder / "abstracts.json")
    posters = _posters(folder / "posters")
    path = folder / "movies.dat"
    for line, text in numbered_lines(path, encoding="latin-1"):
        item_id, title, genres = _fields(text, ("film", "title (year)", "genre|genre"), path, line)
        year = year_in_title(title)
        yield (
            line,
            Item(
                id=item_id,
                title=natural_title(title),
                categories=tuple(genres.split("|")),
                text=abstracts.get(item_id, ""),
                attributes={} if year is None else {"year": year},
                image=posters.get(item_id),
            ),
        )


def _posters(folder: Path) -> dict[str, Path]:
    """The file of each film that has a poster: `ID.jpg`."""
    return {path.stem: path for path in folder.glob("*.jpg")}


def _read_abstracts(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except msgspec.DecodeError as error:
        raise DatasetError(
            f"the file is not a JSON object of film id to abstract ({error})",
            remedy="Restore the original file, or remove it to train without abstracts.",
            path=path,
        ) from error


def _read_users(path: Path) -> Iterator[tuple[int, User]]:
    for line, text in numbered_lines(path, encoding="latin-1"):
        user_id, gender, age, occupation, _zip = _fields(
            text, ("user", "gender", "age", "occupation", "zip"), path, line
        )
        yield (
            line,
            User(
                id=user_id,
                attributes={
                    "gender": _name_of(gender, _GENDERS, "gender", path, line),
                    "age_band": _name_of(age, _AGE_BANDS, "age", path, line),
                    "occupation": _name_of(occupation, _OCCUPATIONS, "occupation", path, line),
                },
            ),
        )


def _read_interactions(folder: Path, *, user_rows: Mapping[str, int], item_rows: Mapping[str, int]) -> Interactions:
    watched_users, watched_items = _read_pairs(folder / "sequences.txt", user_rows, item_rows)
    liked_path = folder / "liked.txt"
    liked = None
    if liked_path.is_file():
        liked_users, liked_items = _read_pairs(liked_path, user_rows, item_rows)
        # A pair as one number: comparing a million tuples in Python would take longer than the rest of the loading.
        width = len(item_rows)
        liked = np.isin(
            np.asarray(watched_users, dtype=np.int64) * width + watched_items,
            np.asarray(liked_users, dtype=np.int64) * width + liked_items,
        )
    return Interactions.build(users=watched_users, items=watched_items, liked=liked)


def _read_pairs(path: Path, user_rows: Mapping[str, int], item_rows: Mapping[str, int]) -> tuple[list[int], list[int]]:
    users: list[int] = []
    items: list[int] = []
    for line, text in numbered_lines(path):
        user_id, *item_ids = text.split()
        user = row_of(user_rows, user_id, kind="user", listed_in="users.dat", path=path, line=line)
        items.extend(
            row_of(item_rows, item_id, kind="item", listed_in="movies.dat", path=path, line=line)
            for item_id in item_ids
        )
        users.extend([user] * len(item_ids))
    return users, items


def _fields(text: str, names: tuple[str, ...], path: Path, line: int) -> list[str]:
    fields = text.split("::")
    if len(fields) != len(names):
        raise DatasetError(
            f"the line has {len(fields)} fields, not {len(names)}",
            remedy=f"Write it as {'::'.join(names)}.",
            path=path,
            line=line,
        )
    return fields


def _name_of(code: str, names: Mapping[str, str], field: str, path: Path, line: int) -> str:
    if code not in names:
        raise DatasetError(
            f"{field} is {code!r}, which has no meaning in MovieLens 1M",
            remedy=f"Use one of {', '.join(names)}.",
            path=path,
            line=line,
        )
    return names[code]
