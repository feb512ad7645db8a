"""`winnow similar`."""

from typing import Annotated

import typer

from services.cli import parsing
from services.cli.commands import options


def similar(
    item: Annotated[str, typer.Option(help="The item's id.")],
    count: options.Count = 10,
    item_filter: options.Filters = None,
    exclude: options.Exclude = None,
    target: options.Target = None,
    timeout: options.Timeout = 2.0,
    as_json: options.AsJson = False,
) -> None:
    """Find the items most like one item.

    \b
    Examples:
      winnow similar --item 1193
      winnow similar --item 1193 -n 3 --filter category=Drama --json
    """
    from services.cli.gateway import calling
    from services.cli.recommendations import show

    filters = list(map(parsing.item_filter, item_filter or ()))
    with calling(target, timeout) as client:
        result = client.recommend_similar(item, max_results=count, filters=filters, exclude_item_ids=exclude or ())
    show(result, as_json)
