"""`winnow record`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from services.cli.commands import options


def record(
    user: Annotated[str, typer.Option(help="The user's id.")] = "",
    item: Annotated[str, typer.Option(help="The item's id.")] = "",
    event_type: Annotated[
        Literal["view", "click", "like", "dislike", "purchase", "impression", "dwell"],
        typer.Option("--type", help="What the user did."),
    ] = "view",
    event_id: Annotated[str, typer.Option(help="Names the event: sent again, it counts once. [default: random]")] = "",
    at: Annotated[
        str,
        typer.Option(metavar="TIME", help="When, such as 2026-11-21T10:00:00Z; a plain time is UTC. [default: now]"),
    ] = "",
    dwell_seconds: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long, of a dwell.")] = 0.0,
    shown_by: Annotated[
        str, typer.Option(metavar="REQUEST", help="The request whose answer showed the item, as `recommend` prints it.")
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
      winnow record --user 42 --item 1193 --type dwell --dwell-seconds 95 --shown-by 5f0c2b...
      winnow record --file events.jsonl
    """
    from services.cli import recording
    from services.cli.gateway import calling

    if (file is None) != bool(user and item) or (file is not None and (user or item)):
        raise typer.BadParameter("give --user and --item for one event, or --file for many")
    with calling(target, timeout) as client:
        if file is not None:
            counts = recording.send_file(client, file, timeout)
        else:
            event = recording.one_event(
                user, item, event_type, event_id=event_id, at=at, dwell_seconds=dwell_seconds, shown_by=shown_by
            )
            counts = recording.send(client, event)
    recording.show(counts, as_json)
