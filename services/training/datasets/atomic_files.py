"""Atomic files: tab-separated lines below a header of `name:type`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from services.training.datasets.entity_rows import row_of
from services.training.datasets.errors import DatasetError
from services.training.datasets.text_lines import numbered_lines


@dataclass(frozen=True, slots=True)
class AtomicRow:
    """One line of a file: its columns by name, and where it stands."""

    columns: Mapping[str, str]
    path: Path
    line: int

    def __getitem__(self, column: str) -> str:
        return self.columns[column]

    def number(self, column: str) -> float:
        """Returns a column as a finite number.

        Raises:
            DatasetError: it is none.
        """
        try:
            number = float(self.columns[column])
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise DatasetError(
                f"{column} is {self.columns[column]!r}, not a number",
                remedy="Write a number.",
                path=self.path,
                line=self.line,
            )
        return number

    def row_of(self, kind: str, rows: Mapping[str, int], listed_in: str) -> int:
        """Returns the row of the user or item that the line names.

        Raises:
            DatasetError: `listed_in` does not list it.
        """
        entity_id = self.columns[f"{kind}_id"]
        return row_of(rows, entity_id, kind=kind, listed_in=listed_in, path=self.path, line=self.line)


def atomic_rows(path: Path, required: tuple[str, ...]) -> Iterator[AtomicRow]:
    """Yields the lines after the header.

    Args:
        path: The file.
        required: Columns that must be there.

    Raises:
        DatasetError: the file cannot be read, a column is missing, or a line has too few or too many fields.
    """
    lines = numbered_lines(path)
    line, header = next(lines, (1, ""))
    names = [column.partition(":")[0] for column in header.split("\t")]
    missing = [name for name in required if name not in names]
    if missing:
        raise DatasetError(
            f"the header lacks {', '.join(missing)}",
            remedy="Start the file with a tab-separated line of name:type.",
            path=path,
            line=line,
        )
    for line, text in lines:
        fields = text.split("\t")
        if len(fields) != len(names):
            raise DatasetError(
                f"the line has {len(fields)} fields, but the header has {len(names)}",
                remedy="Separate the fields by one tab each.",
                path=path,
                line=line,
            )
        yield AtomicRow(dict(zip(names, fields, strict=True)), path, line)
