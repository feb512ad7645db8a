"""Choosing the snapshot that is served."""

from pathlib import Path

from services.cli.failure import Failure
from services.cli.output import console, print_json
from services.cli.snapshots.chosen import open_repository, read_chosen


def activate(root: Path, snapshot_id: str, as_json: bool) -> None:
    """Points `current` at a snapshot.

    Raises:
        Failure: there is no such snapshot, its manifest cannot be read, or the folder cannot be written.
    """
    repository = open_repository(root)
    previous = repository.current()
    manifest = read_chosen(repository, snapshot_id)
    try:
        repository.activate(manifest.id)
    except OSError as error:
        raise Failure(f"{root} cannot be written: {error.strerror}.") from error
    if as_json:
        print_json({"current": manifest.id, "previous": previous})
    else:
        was = f"; before it was {previous}" if previous not in (None, manifest.id) else ""
        console().print(f"Current is {manifest.id}{was}. Running services move over within their poll interval.")
