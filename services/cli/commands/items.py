"""`winnow items`: upsert, withdraw and list."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.commands import options

app = typer.Typer(help="Add, change and withdraw items while the suite serves, without training.", no_args_is_help=True)


@app.command("upsert", no_args_is_help=True)
def upsert(
    file: Annotated[Path, typer.Argument(metavar="ITEMS.JSONL", help="One JSON object a line; - is stdin.")],
    target: options.Target = None,
    timeout: options.Timeout = 10.0,
    as_json: options.AsJson = False,
) -> None:
    """Add the items of a file, or change those that are there. They are recommended within seconds.

    A line is an item as in items.jsonl of a data set (docs/data.md): id, title, categories, text, attributes.

    \b
    Examples:
      winnow items upsert new-books.jsonl
      echo '{"id": "b-17", "title": "The Emerald Throne", "categories": ["Fantasy"]}' | winnow items upsert -
    """
    from services.cli import live_items
    from services.cli.gateway import calling

    with calling(target, timeout) as client:
        counts = live_items.upsert_file(client, file)
    live_items.show_upserted(counts, as_json)


@app.command("withdraw", no_args_is_help=True)
def withdraw(
    items: Annotated[list[str], typer.Argument(metavar="ID...", help="The items.")],
    target: options.Target = None,
    timeout: options.Timeout = 10.0,
    as_json: options.AsJson = False,
) -> None:
    """Take items out of every answer, until they are upserted again.

    \b
    Examples:
      winnow items withdraw b-17 b-4
    """
    from services.cli import live_items
    from services.cli.gateway import calling

    with calling(target, timeout) as client:
        withdrawn = live_items.withdraw(client, items)
    live_items.show_withdrawn(withdrawn, as_json)


@app.command("list")
def list_items(
    target: Annotated[
        str, typer.Option(metavar="HOST:PORT", envvar="WINNOW_FEATURE_STORE_TARGET", help="The feature store.")
    ] = "localhost:50052",
    as_json: options.AsJson = False,
) -> None:
    """List the items that were upserted or withdrawn, those that changed last at the end.

    \b
    Examples:
      winnow items list
    """
    from services.cli import item_changes

    item_changes.show(item_changes.read_all(target), as_json)
