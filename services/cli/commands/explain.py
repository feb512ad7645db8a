"""`winnow explain`."""

from typing import Annotated

import typer

from services.cli import parsing
from services.cli.commands import options
from services.cli.commands.recommend import Attribute, Diversity, IncludeSeen, Session, Weight

User = Annotated[str, typer.Argument(metavar="USER", help='The user\'s id; "" is nobody in particular.')]
Items = Annotated[
    list[str] | None,
    typer.Option(
        "--item", metavar="ITEM", help="An item to explain too, such as one that the answer lacks. Repeatable."
    ),
]


def explain(
    user: User,
    item: Items = None,
    count: options.Count = 10,
    session: Session = None,
    attribute: Attribute = None,
    item_filter: options.Filters = None,
    exclude: options.Exclude = None,
    weight: Weight = None,
    diversity: Diversity = None,
    include_seen: IncludeSeen = False,
    target: options.Target = None,
    timeout: options.Timeout = 5.0,
    as_json: options.AsJson = False,
) -> None:
    """Show how a user's recommendations come about: what was found, removed, scored and moved, and why.

    \b
    Examples:
      winnow explain 42
      winnow explain 42 --item 1193 --item 661
      winnow explain 42 --filter category=Comedy --diversity 0.3 --json
    """
    from services.cli.explanations import show
    from services.cli.gateway import calling

    asked = parsing.recommend_options(
        count=count,
        session=session,
        attributes=attribute,
        item_filters=item_filter,
        exclude=exclude,
        weights=weight,
        diversity=diversity,
        include_seen=include_seen,
    )
    with calling(target, timeout) as client:
        result = client.explain(user, item_ids=item or (), **asked)
    show(result, as_json)
