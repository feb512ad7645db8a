"""`winnow snapshot`: list, show, verify and activate."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.commands import options

app = typer.Typer(
    help="Look at the snapshots that training published, and choose the one that is served.", no_args_is_help=True
)

Root = Annotated[
    Path, typer.Option(metavar="FOLDER", envvar="WINNOW_SNAPSHOTS", help="The folder that training publishes to.")
]
DEFAULT_ROOT = Path("var/snapshots")
SnapshotId = Annotated[str, typer.Argument(metavar="ID", help="The snapshot; the current one by default.")]


@app.command("list")
def list_snapshots(root: Root = DEFAULT_ROOT, as_json: options.AsJson = False) -> None:
    """List all snapshots, oldest first."""
    from services.cli.snapshots import listing

    listing.show_all(root, as_json)


@app.command("show")
def show(snapshot_id: SnapshotId = "", root: Root = DEFAULT_ROOT, as_json: options.AsJson = False) -> None:
    """Show what a snapshot holds: its metrics, channels and sizes."""
    from services.cli.snapshots import contents

    contents.show(root, snapshot_id, as_json)


@app.command("verify")
def verify(snapshot_id: SnapshotId = "", root: Root = DEFAULT_ROOT, as_json: options.AsJson = False) -> None:
    """Check every file of a snapshot against the manifest, and name each that is wrong."""
    from services.cli.snapshots import verification

    verification.verify(root, snapshot_id, as_json)


@app.command("activate")
def activate(
    snapshot_id: Annotated[str, typer.Argument(metavar="ID", help="The snapshot to serve from now on.")],
    root: Root = DEFAULT_ROOT,
    as_json: options.AsJson = False,
) -> None:
    """Serve another snapshot, also an older one; running services move over by themselves."""
    from services.cli.snapshots import activation

    activation.activate(root, snapshot_id, as_json)
