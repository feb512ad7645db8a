"""Finding the snapshot that a command is about."""

from pathlib import Path

from services.cli.failure import Failure
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest
from shared.snapshot.repository import SnapshotRepository


def open_repository(root: Path) -> SnapshotRepository:
    """Returns the snapshots below `root`.

    Raises:
        Failure: there are none.
    """
    repository = SnapshotRepository(root)
    if not repository.ids():
        raise Failure(
            f"There is no snapshot in {root}. Train one with `winnow train` or `winnow run`, "
            "or name another folder with --root."
        )
    return repository


def read_chosen(repository: SnapshotRepository, snapshot_id: str) -> Manifest:
    """Returns the manifest of a snapshot; of the current one when the id is empty.

    Raises:
        Failure: there is no such snapshot, none is current, or the manifest cannot be read.
    """
    chosen = snapshot_id or repository.current()
    if chosen is None:
        raise Failure("No snapshot is active. Name one, or choose one with `winnow snapshot activate ID`.")
    if chosen not in repository.ids():
        raise Failure(f"There is no snapshot {chosen!r} in {repository.root}. `winnow snapshot list` lists them.")
    try:
        return repository.manifest(chosen)
    except SnapshotRefused as error:
        raise Failure(f"{error}.") from error
