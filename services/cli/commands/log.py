"""`winnow log`: show, verify and collect."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from services.cli.commands import options

app = typer.Typer(help="Look at the log of what happened, which the feature store writes.", no_args_is_help=True)

Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The log: the folder `log` in the feature store's folder.")
]


@app.command("show", no_args_is_help=True)
def show(
    folder: Folder,
    user: Annotated[str, typer.Option(metavar="ID", help="Only records of this user, by the id as it is stored.")] = "",
    kind: Annotated[
        Literal["", "event", "attributes", "item_features", "item", "exposure"],
        typer.Option(help="Only records of this kind.", show_default=False),
    ] = "",
    after: Annotated[int, typer.Option(min=0, metavar="POSITION", help="Only records after this position.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more, until interrupted.")] = False,
) -> None:
    """Print what happened, oldest first, one JSON object a line. The log may be in use meanwhile.

    \b
    Examples:
      winnow log show var/store/log --user 42
      winnow log show var/store/log --kind exposure --follow
    """
    from services.cli.event_log import show as printing

    printing.show(folder, user, kind, after, follow)


@app.command("verify", no_args_is_help=True)
def verify(folder: Folder, as_json: options.AsJson = False) -> None:
    """Check every record, and print how many there are of each kind and a checksum over everything.

    \b
    Examples:
      winnow log verify var/store/log
    """
    from services.cli.event_log import verify as verification

    verification.verify(folder, as_json)


@app.command("collect", no_args_is_help=True)
def collect(
    url: Annotated[str, typer.Option(metavar="URL", help="The Redis of the feature stores: their FEATURE_STORE_URL.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The log to write; one collector may have it open.")],
    every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="Go on, looking for more so often; 0 collects once.")
    ] = 0.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but errors.")] = False,
) -> None:
    """Move the log of feature stores that share a Redis into a folder, each record once.

    \b
    Examples:
      winnow log collect --url redis://localhost:6379 --out var/log
      winnow log collect --url redis://localhost:6379 --out var/log --every 5
    """
    from services.cli.event_log import collect as collecting

    collecting.collect(url, out, every, quiet)
