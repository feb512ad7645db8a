"""`winnow record`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from services.cli.commands import options


def record(
    user: Annotated[str, typer.Option(help="The user's id.")] = "",
    item: Annotated[str, typer.Option(help="The item's id.")] = "",
    event_type: Annotated[
        Literal["view", "click", "like", "dislike", "purchase"], typer.Option("--type", help="What the user did.")
    ] = "view",
    event_id: Annotated[str, typer.Option(help="Names the event: sent again, it counts once. [default: random]")] = "",
    at: Annotated[
        str,
        typer.Option(metavar="TIME", help="When, such as 2026-11-21T10:00:00Z; a plain time is UTC. [default: now]"),
    ] = "",
    file: Annotated[
        Path | None, typer.Option(metavar="EVENTS.JSONL", help="Send all events of a file, one JSON object a line.")
    ] = None,
    target: options.Target = None,
    timeout: options.Timeout = 10.0,
    as_json: options.AsJson = False,
) -> None:
    """Record what users did. When the command returns, it is on disk, and the next answers take it into account.

    \b
    Examples:
      winnow record --user 42 --item 1193 --type like
      winnow record --file events.jsonl
    """
    from services.cli import recording
    from services.cli.gateway import calling

    if (file is None) != bool(user and item) or (file is not None and (user or item)):
        raise typer.BadParameter("give --user and --item for one event, or --file for many")
    with calling(target, timeout) as client:
        if file is not None:
            counts = recording.send_file(client, file)
        else:
            counts = recording.send(client, recording.one_event(user, item, event_type, event_id, at))
    recording.show(counts, as_json)
