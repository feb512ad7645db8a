"""From the ids in files to dense rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from services.training.datasets.dataset import Item, User
from services.training.datasets.errors import DatasetError

_Entity = TypeVar("_Entity", Item, User)


def distinct(entities: Iterable[tuple[int, _Entity]], *, path: Path) -> list[_Entity]:
    """Collect the items or users of one file.

    Args:
        entities: (line number, entity) in file order.
        path: the file, for the message.

    Raises:
        DatasetError: two lines have the same id.
    """
    lines: dict[str, int] = {}
    collected = []
    for line, entity in entities:
        if entity.id in lines:
            raise DatasetError(
                f"id {entity.id!r} already stands in line {lines[entity.id]}",
                remedy="Give each line its own id, or remove the duplicate.",
                path=path,
                line=line,
            )
        lines[entity.id] = line
        collected.append(entity)
    return collected


def rows_by_id(entities: Iterable[_Entity]) -> dict[str, int]:
    """The row of each id: its place in `entities`."""
    return {entity.id: row for row, entity in enumerate(entities)}


def row_of(rows: Mapping[str, int], entity_id: str, *, kind: str, listed_in: str, path: Path, line: int) -> int:
    """The row of an id that a line mentions.

    Args:
        rows: the row of each known id.
        entity_id: the id that the line mentions.
        kind: "user" or "item", for the message.
        listed_in: the file that should have listed the id, for the message.
        path: the file that mentions the id.
        line: where it does, from 1.

    Raises:
        DatasetError: the id is unknown.
    """
    try:
        return rows[entity_id]
    except KeyError:
        raise DatasetError(
            f"{kind} {entity_id!r} is not in {listed_in}",
            remedy=f"Add the {kind} to {listed_in}, or remove this line.",
            path=path,
            line=line,
        ) from None
