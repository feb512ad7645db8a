"""Reading text files so that every complaint can name its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from services.training.datasets.errors import DatasetError


def numbered_lines(path: Path, *, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its end) for every line of `path` that is not blank.

    Raises:
        DatasetError: the file cannot be read, or a line is not text in `encoding`.
    """
    for number, line in enumerate(_read_text(path, encoding).split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


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
