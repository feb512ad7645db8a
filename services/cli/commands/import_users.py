"""`winnow import`."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.commands import options


def import_users(
    data: Annotated[Path, typer.Option(metavar="FOLDER", help="The data set; docs/data.md has the formats.")],
    target: Annotated[
        str, typer.Option(metavar="HOST:PORT", envvar="WINNOW_FEATURE_STORE_TARGET", help="The feature store.")
    ] = "localhost:50052",
    skip_last: Annotated[
        int, typer.Option(min=0, metavar="N", help="Leave out each user's newest N events, to judge models by.")
    ] = 0,
    as_json: options.AsJson = False,
) -> None:
    """Store the users of a data set, with their attributes and past events, in a running feature store.

    It may be repeated: an event that is there already is not counted again.

    \b
    Examples:
      winnow import --data ml-1m
      winnow import --data books --target feature-store:50052
    """
    from rich.progress import Progress

    from services.cli import user_import
    from services.cli.output import console, print_json, remarks

    users = events = 0
    dataset = user_import.load(data)
    with Progress(console=remarks(), transient=True) as progress:
        task = progress.add_task("Importing users", total=len(dataset.users))
        for batch in user_import.send(target, user_import.imported_users(dataset, skip_last)):
            progress.advance(task, batch.users)
            users += batch.users
            events += batch.events
    if as_json:
        print_json({"users": users, "events": events})
    else:
        console().print(f"{users} users stored, {events} new events.")
