"""All snapshots in a table."""

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from services.cli.output import console, print_json
from services.cli.snapshots.chosen import open_repository
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest


def show_all(root: Path, as_json: bool) -> None:
    """Prints every snapshot, oldest first, and which one is served.

    Raises:
        Failure: there is none.
    """
    repository = open_repository(root)
    current = repository.current()
    manifests: dict[str, Manifest | SnapshotRefused] = {}
    for snapshot_id in repository.ids():
        try:
            manifests[snapshot_id] = repository.manifest(snapshot_id)
        except SnapshotRefused as error:
            manifests[snapshot_id] = error
    if as_json:
        print_json([_as_json(name, manifest, name == current) for name, manifest in manifests.items()])
    else:
        console().print(_as_table(manifests, current))


def total_bytes(manifest: Manifest) -> int:
    """Returns the size of all files of a snapshot."""
    return sum(entry.bytes for entry in manifest.files)


def _as_json(snapshot_id: str, manifest: Manifest | SnapshotRefused, current: bool) -> dict[str, object]:
    shown: dict[str, object] = {"id": snapshot_id, "current": current}
    if isinstance(manifest, SnapshotRefused):
        return shown | {"problem": manifest.problem}
    return shown | {
        "created": manifest.created,
        "dataset": manifest.dataset,
        "items": manifest.items,
        "bytes": total_bytes(manifest),
    }


def _as_table(manifests: dict[str, Manifest | SnapshotRefused], current: str | None) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "snapshot", "created", "data set"):
        table.add_column(heading)
    table.add_column("items", justify="right")
    table.add_column("MB", justify="right")
    for snapshot_id, manifest in manifests.items():
        mark = "→" if snapshot_id == current else ""
        if isinstance(manifest, SnapshotRefused):
            table.add_row(mark, snapshot_id, f"[red]{escape(manifest.problem)}[/]")
        else:
            size = f"{total_bytes(manifest) / 1e6:.1f}"
            table.add_row(mark, snapshot_id, manifest.created, escape(manifest.dataset), f"{manifest.items:,}", size)
    return table
