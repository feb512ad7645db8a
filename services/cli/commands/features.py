"""`winnow features`: list, show and check feature views."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.commands import options
from services.cli.commands.snapshot import DEFAULT_ROOT, Root

app = typer.Typer(
    help="Look at the feature views that training and serving share, and check them.", no_args_is_help=True
)

Data = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Of this data set, instead of a snapshot's.")]
SnapshotId = Annotated[
    str, typer.Option("--snapshot", metavar="ID", help="Of this snapshot; the current one by default.")
]


@app.command("list")
def list_views(
    data: Data = None, snapshot_id: SnapshotId = "", root: Root = DEFAULT_ROOT, as_json: options.AsJson = False
) -> None:
    """List all views: whose they are, their version, owner, time to live and fields.

    \b
    Examples:
      winnow features list --data var/data
      winnow features list
    """
    from services.cli.features import showing

    showing.list_views(data, root, snapshot_id, as_json)


@app.command("show")
def show(
    view: Annotated[str, typer.Argument(metavar="VIEW", help="Only this one; all by default.")] = "",
    data: Data = None,
    snapshot_id: SnapshotId = "",
    root: Root = DEFAULT_ROOT,
    as_json: options.AsJson = False,
) -> None:
    """Show views as TOML, also those that nobody declared: edit it, and put it into the data set's folder as features.toml.

    \b
    Examples:
      winnow features show --data var/data > features.toml
      winnow features show reader
    """
    from services.cli.features import showing

    showing.show_views(data, root, snapshot_id, view, as_json)


@app.command("check", no_args_is_help=True)
def check(
    data: Annotated[Path, typer.Option(metavar="FOLDER", help="The data set whose declaration is checked.")],
    snapshot_id: Annotated[
        str | None,
        typer.Option(
            "--snapshot",
            metavar="ID",
            help="Compare with this snapshot's views too; `current` is the one that is served.",
        ),
    ] = None,
    root: Root = DEFAULT_ROOT,
    min_coverage: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="Share of users or items that must have each field.")
    ] = 0.0,
    max_outside: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="Share of values that a vocabulary may lack.")
    ] = 0.01,
    max_expired: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="Share of values that may have expired.")
    ] = 0.5,
    as_json: options.AsJson = False,
) -> None:
    """Check a declaration against its data: kinds, coverage, vocabularies, age. Status 1 when something does not hold.

    \b
    Examples:
      winnow features check --data var/data
      winnow features check --data var/data --snapshot current --min-coverage 0.8
    """
    from services.cli.features import check as checking

    checking.check(data, checking.Tolerance(min_coverage, max_outside, max_expired), root, snapshot_id, as_json)
