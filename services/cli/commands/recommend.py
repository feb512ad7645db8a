"""`winnow recommend`."""

from typing import Annotated

import typer

from services.cli import parsing
from services.cli.commands import options

User = Annotated[str, typer.Option(help="The user's id; without one, the items are for nobody in particular.")]
Session = Annotated[
    list[str] | None,
    typer.Option(metavar="ITEM", help="An item of this session that no event told of; oldest first, repeatable."),
]
Attribute = Annotated[
    list[str] | None, typer.Option(metavar="NAME=VALUE", help="An attribute of the user for this request, repeatable.")
]
Weight = Annotated[
    list[str] | None,
    typer.Option(metavar="OBJECTIVE=WEIGHT", help="How much an objective counts; 1 otherwise. Repeatable."),
]
Diversity = Annotated[float | None, typer.Option(min=0, max=1, help="Prefer variety of categories over score, 0 to 1.")]
Untracked = Annotated[
    bool, typer.Option("--untracked", help="Keep the answer out of the exposure log, experiments and exploration.")
]
IncludeSeen = Annotated[
    bool, typer.Option("--include-seen", help="Allow items that the user has seen, disliked ones included.")
]


def recommend(
    user: User = "",
    count: options.Count = 10,
    session: Session = None,
    attribute: Attribute = None,
    item_filter: options.Filters = None,
    exclude: options.Exclude = None,
    weight: Weight = None,
    diversity: Diversity = None,
    include_seen: IncludeSeen = False,
    untracked: Untracked = False,
    target: options.Target = None,
    timeout: options.Timeout = 2.0,
    as_json: options.AsJson = False,
) -> None:
    """Recommend items to a user, best first.

    \b
    Examples:
      winnow recommend --user 42
      winnow recommend --user 42 --filter 'category=Comedy|Drama' --filter 'category!=Horror' --diversity 0.3
      winnow recommend --session 1193 --session 661 --attribute age=31 --attribute gender=F
    """
    from services.cli.gateway import calling
    from services.cli.recommendations import show

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
    asked["untracked"] = untracked
    with calling(target, timeout) as client:
        result = client.recommend(user, **asked)
    show(result, as_json)
