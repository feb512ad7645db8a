"""The one exception that every data set loader raises."""

from __future__ import annotations

from pathlib import Path


class DatasetError(Exception):
    """A data set that cannot be used as it is.

    The message reads `file:line: problem. remedy`, so that whoever brings the data can go straight to the place.

    Attributes:
        problem: what is wrong, naming the field where there is one.
        remedy: what to do about it, one sentence.
        path: the offending file or folder, if there is one.
        line: the offending line in `path`, counted from 1, if there is one.
    """

    def __init__(self, problem: str, *, remedy: str, path: Path | None = None, line: int | None = None) -> None:
        self.problem = problem
        self.remedy = remedy
        self.path = path
        self.line = line
        place = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(f"{place}{problem}. {remedy}")
