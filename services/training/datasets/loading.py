"""Finding the loader that fits a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from services.training.datasets.dataset import Dataset
from services.training.datasets.errors import DatasetError
from services.training.datasets.item_sequences import ItemSequencesLoader
from services.training.datasets.item_sets import ItemSetsLoader
from services.training.datasets.loader import DatasetLoader
from services.training.datasets.movielens_1m import MovieLens1MLoader
from services.training.datasets.movielens_100k import MovieLens100KLoader
from services.training.datasets.winnow_format import WinnowLoader
from shared.feature_views import FeatureView, ViewsRefused, read_views

LOADERS: tuple[DatasetLoader, ...] = (
    WinnowLoader(),
    MovieLens1MLoader(),
    MovieLens100KLoader(),
    ItemSequencesLoader(),
    ItemSetsLoader(),
)


def load_dataset(folder: Path) -> Dataset:
    """Read `folder` with the first of `LOADERS` that recognises its files, and the views of its `features.toml`.

    Raises:
        DatasetError: the folder does not exist, no loader recognises it, its contents are not as its format says,
            or its `features.toml` says what is not allowed.
    """
    if not folder.is_dir():
        raise DatasetError("there is no such folder", remedy="Check the path.", path=folder)
    for loader in LOADERS:
        if loader.recognises(folder):
            return replace(loader.load(folder), declared_views=_declared(folder))
    formats = "; ".join(f"{loader.name} needs {', '.join(loader.required_files)}" for loader in LOADERS)
    raise DatasetError(
        "the files in this folder are of no known format",
        remedy=f"Bring one of these: {formats}.",
        path=folder,
    )


def _declared(folder: Path) -> tuple[FeatureView, ...] | None:
    try:
        return read_views(folder)
    except ViewsRefused as error:
        raise DatasetError(str(error), remedy="docs/feature-views.md says what the file may hold.") from error
