"""Reading text files so that every complaint can name its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from services.training.datasets.dataset import Item, User
from services.training.datasets.errors import DatasetError

_Entity = TypeVar("_Entity", Item, User)


def numbered_lines(path: Path, *, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its end) for every line of `path` that is not blank.

    Raises:
        DatasetError: the file cannot be read, or a line is not text in `encoding`.
    """
    for number, line in enumerate(_read_text(path, encoding).split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


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


def _read_text(path: Path, encoding: str) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"the file cannot be read ({error.strerror})",
            remedy="Check that it exists and that you may read it.",
            path=path,
        ) from error
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"the line is not {encoding} text",
            remedy=f"Save the file as {encoding}.",
            path=path,
            line=content.count(b"\n", 0, error.start) + 1,
        ) from error
