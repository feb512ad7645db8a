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
    from services.cli import user_import
    from services.cli.output import console, print_json

    imported = user_import.import_all(user_import.load(data), target, skip_last)
    if as_json:
        print_json({"users": imported.users, "events": imported.events})
    else:
        console().print(f"{imported.users} users stored, {imported.events} new events.")
