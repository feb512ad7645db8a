"""The interface of everything that reads a data set from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from services.training.datasets.dataset import Dataset


class DatasetLoader(Protocol):
    """Reads one format."""

    @property
    def name(self) -> str:
        """What reports and messages call the format."""

    @property
    def required_files(self) -> tuple[str, ...]:
        """Names of the files without which a folder is not of this format."""

    def recognises(self, folder: Path) -> bool:
        """Whether `folder` is of this format, judged by its file names alone."""

    def load(self, folder: Path) -> Dataset:
        """Read the folder.

        Raises:
            DatasetError: a file, line or field is not as the format says; the message says which.
        """


def has_files(folder: Path, names: tuple[str, ...]) -> bool:
    """Whether every one of `names` is a file in `folder`."""
    return all((folder / name).is_file() for name in names)
