"""Checking every file of a snapshot."""

from pathlib import Path

from rich.progress import Progress

from services.cli.failure import Failure
from services.cli.output import console, print_json, remarks
from services.cli.snapshots.chosen import open_repository, read_chosen
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest
from shared.snapshot.verification import verify_files


def verify(root: Path, snapshot_id: str, as_json: bool) -> None:
    """Checks sizes and checksums of all files, and prints the outcome.

    Raises:
        Failure: a file is wrong; every wrong one is named.
    """
    repository = open_repository(root)
    manifest = read_chosen(repository, snapshot_id)
    problems = _problems(repository.folder(manifest.id), manifest)
    if as_json:
        print_json({"id": manifest.id, "files": len(manifest.files), "problems": problems})
    if problems:
        raise Failure(
            f"Snapshot {manifest.id} is damaged: {'; '.join(problems)}. "
            "Serve another with `winnow snapshot activate ID`, or train anew."
        )
    if not as_json:
        console().print(f"All {len(manifest.files)} files of {manifest.id} are what training wrote.")


def _problems(folder: Path, manifest: Manifest) -> list[str]:
    problems = []
    with Progress(console=remarks(), transient=True) as progress:
        for entry in progress.track(manifest.files, description="Verifying"):
            try:
                verify_files(folder, manifest, only=[entry.path])
            except SnapshotRefused as error:
                problems.append(error.problem)
    return problems
