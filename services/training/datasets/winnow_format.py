"""Winnow's own format: the three JSON-lines files in which users bring their data (docs/data.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from services.training.datasets.dataset import Dataset, Item, User
from services.training.datasets.entity_rows import distinct, row_of, rows_by_id
from services.training.datasets.errors import DatasetError
from services.training.datasets.interactions import Interactions
from services.training.datasets.loader import has_files
from services.training.datasets.text_lines import numbered_lines
from services.training.datasets.winnow_records import (
    EVENTS_FILE,
    ITEMS_FILE,
    USERS_FILE,
    EventName,
    EventRecord,
    ItemRecord,
    UserRecord,
    flattened,
    milliseconds,
)
from shared.events import EventType
from shared.feature_views import FEATURES_FILE, to_toml

_Record = TypeVar("_Record")


class WinnowLoader:
    """Reads `items.jsonl`, `events.jsonl` and, where present, `users.jsonl`.

    Without `users.jsonl` the users are those of the events, in order of first appearance and without attributes.
    """

    name = "winnow"
    required_files: tuple[str, ...] = (ITEMS_FILE, EVENTS_FILE)

    def recognises(self, folder: Path) -> bool:
        """Whether the folder holds every required file."""
        return has_files(folder, self.required_files)

    def load(self, folder: Path) -> Dataset:
        """Read the folder; the data set is named after it.

        Raises:
            DatasetError: a line is not the JSON object its file should hold, or an event names an unknown item or
                user.
        """
        items = distinct(_read_items(folder / ITEMS_FILE), path=folder / ITEMS_FILE)
        users_path = folder / USERS_FILE
        listed = users_path.is_file()
        users = distinct(_read_users(users_path), path=users_path) if listed else []
        user_rows = rows_by_id(users)
        interactions = _read_events(
            folder / EVENTS_FILE,
            user_rows=user_rows,
            item_rows=rows_by_id(items),
            users_listed=listed,
        )
        if not listed:
            users = [User(user_id, {}) for user_id in user_rows]
        return Dataset.build(
            name=folder.resolve().name, items=items, users=users, interactions=interactions, path=folder
        )


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Write the files of `dataset` to `folder`, which is created when absent.

    Reading them again gives the same items, users, interactions and declared views. Events are written in order of time, as
    a log has them. Equal data sets give equal bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if dataset.declared_views is not None:
        (folder / FEATURES_FILE).write_text(to_toml(dataset.declared_views), encoding="utf-8")
    interactions = dataset.interactions
    by_time = np.argsort(interactions.timestamps, kind="stable")
    _write_lines(
        folder / ITEMS_FILE,
        (
            ItemRecord(item.id, item.title, item.categories, item.text, dict(item.attributes), _updated_at(item))
            for item in dataset.items
        ),
    )
    _write_lines(
        folder / USERS_FILE,
        (UserRecord(user.id, dict(user.attributes), _updated_at(user)) for user in dataset.users),
    )
    _write_lines(
        folder / EVENTS_FILE,
        (
            EventRecord(dataset.users[user].id, dataset.items[item].id, at, *_opinion(kind, liked))
            for user, item, at, liked, kind in zip(
                interactions.users[by_time].tolist(),
                interactions.items[by_time].tolist(),
                interactions.timestamps[by_time].tolist(),
                interactions.liked[by_time].tolist(),
                interactions.types[by_time].tolist(),
                strict=True,
            )
        ),
    )


def _opinion(kind: int, liked: bool) -> tuple[EventName, bool | msgspec.UnsetType]:
    name: EventName = msgspec.convert(EventType(kind).name.lower(), EventName)
    return name, msgspec.UNSET if liked == (name != "dislike") else liked


def _updated_at(entity: Item | User) -> int | msgspec.UnsetType:
    return msgspec.UNSET if entity.updated_ms is None else entity.updated_ms


def _read_items(path: Path) -> Iterator[tuple[int, Item]]:
    for line, record in _records(path, ItemRecord):
        attributes = flattened(record.attributes)
        yield line, Item(record.id, record.title, record.categories, record.text, attributes, _updated_ms(record))


def _read_users(path: Path) -> Iterator[tuple[int, User]]:
    for line, record in _records(path, UserRecord):
        yield line, User(record.id, flattened(record.attributes), _updated_ms(record))


def _updated_ms(record: ItemRecord | UserRecord) -> int | None:
    return None if record.updated_at is msgspec.UNSET else milliseconds(record.updated_at)


def _records(path: Path, record_type: type[_Record]) -> Iterator[tuple[int, _Record]]:
    decoder = msgspec.json.Decoder(record_type)
    for line, text in numbered_lines(path):
        try:
            yield line, decoder.decode(text)
        except msgspec.DecodeError as error:
            raise DatasetError(
                str(error).rstrip("."),
                remedy="Write one JSON object a line, with the fields that docs/data.md lists.",
                path=path,
                line=line,
            ) from error


def _read_events(
    path: Path, *, user_rows: dict[str, int], item_rows: dict[str, int], users_listed: bool
) -> Interactions:
    """Read the events; without a list of users, every new user is added to `user_rows`."""
    users: list[int] = []
    items: list[int] = []
    timestamps: list[int] = []
    liked: list[bool] = []
    viewed: list[bool] = []
    types: list[EventType] = []
    for line, event in _records(path, EventRecord):
        if not users_listed:
            user_rows.setdefault(event.user_id, len(user_rows))
        users.append(row_of(user_rows, event.user_id, kind="user", listed_in=USERS_FILE, path=path, line=line))
        items.append(row_of(item_rows, event.item_id, kind="item", listed_in=ITEMS_FILE, path=path, line=line))
        timestamps.append(event.milliseconds)
        liked.append(event.is_liked)
        viewed.append(event.is_viewed)
        types.append(EventType[event.type.upper()])
    return Interactions.build(users=users, items=items, timestamps=timestamps, liked=liked, viewed=viewed, types=types)


def _write_lines(path: Path, records: Iterator[msgspec.Struct]) -> None:
    encoder = msgspec.json.Encoder()
    path.write_bytes(b"".join(encoder.encode(record) + b"\n" for record in records))
