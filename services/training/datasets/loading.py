"""Finding the loader that fits a folder."""

from __future__ import annotations

from pathlib import Path

from services.training.datasets.dataset import Dataset
from services.training.datasets.errors import DatasetError
from services.training.datasets.loader import DatasetLoader
from services.training.datasets.movielens_1m import MovieLens1MLoader
from services.training.datasets.movielens_100k import MovieLens100KLoader
from services.training.datasets.winnow_format import WinnowLoader

LOADERS: tuple[DatasetLoader, ...] = (WinnowLoader(), MovieLens1MLoader(), MovieLens100KLoader())


def load_dataset(folder: Path) -> Dataset:
    """Read `folder` with the first of `LOADERS` that recognises its files.

    Raises:
        DatasetError: the folder does not exist, no loader recognises it, or its contents are not as its format says.
    """
    if not folder.is_dir():
        raise DatasetError("there is no such folder", remedy="Check the path.", path=folder)
    for loader in LOADERS:
        if loader.recognises(folder):
            return loader.load(folder)
    formats = "; ".join(f"{loader.name} needs {', '.join(loader.required_files)}" for loader in LOADERS)
    raise DatasetError(
        "the files in this folder are of no known format",
        remedy=f"Bring one of these: {formats}.",
        path=folder,
    )
