"""Snapshots that were trained on a given data set."""

import subprocess
import sys
from pathlib import Path

from services.cli.failure import Failure
from services.cli.supervisor.tether import tethered
from services.training.datasets import Dataset
from shared.feature_views import digest
from shared.snapshot.catalogue import read_catalogue
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest
from shared.snapshot.repository import SnapshotRepository


def newest_for(dataset: Dataset, repository: SnapshotRepository) -> Manifest | None:
    """Returns the newest snapshot that was trained on a data set of this name, these items and these feature views, or None.

    Events that have come since do not count: to train on them is for the user to say.
    """
    for snapshot_id in reversed(repository.ids()):
        try:
            manifest = repository.manifest(snapshot_id)
            if (
                manifest.dataset == dataset.name
                and _has_the_views_of(dataset, manifest)
                and _has_the_items_of(dataset, repository, manifest)
            ):
                return manifest
        except SnapshotRefused:  # one that cannot be read is none
            continue
    return None


def current_for(dataset: Dataset, repository: SnapshotRepository) -> Manifest:
    """Returns the snapshot that is served.

    Raises:
        Failure: none is, or it was trained on other data, of which this data set can say nothing.
    """
    current = repository.current()
    advice = "Train one with `winnow train`, or name another folder with --root."
    if current is None:
        raise Failure(f"No snapshot is active in {repository.root}. {advice}")
    try:
        manifest = repository.manifest(current)
        same = _has_the_items_of(dataset, repository, manifest)
    except SnapshotRefused as error:
        raise Failure(f"{error}. {advice}") from error
    if not same:
        raise Failure(
            f"Snapshot {current} was trained on {manifest.dataset}, whose items are not those of {dataset.name}. {advice}"
        )
    return manifest


def train(data: Path, snapshots: Path) -> None:
    """Trains in a process of its own, whose memory is free again afterwards, and shows its progress.

    Raises:
        Failure: training failed; it has said why.
    """
    command = (sys.executable, "-m", "services.training", "--data", str(data), "--out", str(snapshots))
    # A session of its own: Ctrl-C comes to us, and we end it, instead of both telling of the interruption.
    with subprocess.Popen(tethered(command), start_new_session=True) as job:  # noqa: S603 - our own program, no shell
        try:
            status = job.wait()
        except BaseException:
            job.terminate()
            raise
    if status:
        raise Failure(f"Training ended with status {status}; the reason stands above.")


def _has_the_views_of(dataset: Dataset, manifest: Manifest) -> bool:
    if not manifest.feature_schema.views:  # it is from before there were any, when they followed from the data
        return dataset.declared_views is None
    return manifest.feature_schema.views_digest == digest(dataset.views())


def _has_the_items_of(dataset: Dataset, repository: SnapshotRepository, manifest: Manifest) -> bool:
    if manifest.items != len(dataset.items):
        return False
    catalogue = read_catalogue(repository.folder(manifest.id) / manifest.catalogue)
    return {item.id for item in catalogue} == {item.id for item in dataset.items}
