"""Where the views that a command is about come from."""

from collections.abc import Sequence
from pathlib import Path

from services.cli.failure import Failure
from services.cli.snapshots.chosen import open_repository, read_chosen
from services.training.datasets import Dataset, DatasetError, load_dataset
from shared.feature_views import FeatureView
from shared.snapshot.manifest import Manifest


def read_dataset(folder: Path) -> Dataset:
    """Reads a data set with its views.

    Raises:
        Failure: the folder holds none that can be used, or declares what it may not.
    """
    try:
        return load_dataset(folder)
    except DatasetError as error:
        raise Failure(str(error)) from error


def read_manifest(root: Path, snapshot_id: str) -> Manifest:
    """Reads a snapshot's manifest; of the current one when the id is empty.

    Raises:
        Failure: there is no such snapshot, or it cannot be read.
    """
    return read_chosen(open_repository(root), snapshot_id)


def read_views(data: Path | None, root: Path, snapshot_id: str) -> Sequence[FeatureView]:
    """Returns the views of a data set, or, where none is named, of a snapshot.

    Raises:
        Failure: there is no such data set or snapshot, or the snapshot is from before there were views.
    """
    if data is not None:
        return read_dataset(data).views()
    manifest = read_manifest(root, snapshot_id)
    if not manifest.feature_schema.views:
        raise Failure(
            f"Snapshot {manifest.id} names no feature views: it is from before there were any. Name a data set with --data."
        )
    return manifest.feature_schema.views
