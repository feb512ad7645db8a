"""`winnow evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.commands import options


def evaluate(
    data: Annotated[Path, typer.Option(metavar="FOLDER", help="The data set that the snapshot was trained on.")],
    root: options.Root = Path("var"),
    users: Annotated[int, typer.Option(min=1, help="How many users to ask about, drawn at random.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    target: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="A running gateway to ask, with --recall. [default: own suite]")
    ] = "",
    recall: Annotated[str, typer.Option(metavar="HOST:PORT", help="Recall of the same suite.")] = "",
    check: Annotated[bool, typer.Option("--check", help="Fail when the quality is below what is wanted.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result as JSON.")] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html", help="Where to write the report page. [default: reports/SNAPSHOT.html below --root]"
        ),
    ] = None,
    no_page: Annotated[
        bool, typer.Option("--no-page", help="Write no report page, and measure no more than asked.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Measure the quality of the current snapshot through the running services.

    It starts a suite of its own with an empty store, imports every user's past without the newest event, asks for
    recommendations by real calls, and sees how often and how high that event's item is among the first ten: through
    the whole funnel, in recall's order alone, and by popularity. A running suite given by --target must have been
    filled by `winnow import --skip-last 1`.

    What it found is also written as a page for people, one HTML file that needs nothing else: metrics with intervals,
    curves, where what is not found was lost, calibration, for whom it works, a map of the items, and example users. Its
    figures stand beside it as JSON.

    --check wants: HR@10 of at least 0.15 and 4 times that of popularity, NDCG@10 above recall's order, indexes that
    lose at most 3% of exact search, and no degraded answer.

    \b
    Examples:
      winnow evaluate --data var/data
      winnow evaluate --data ml-1m --root var/ml-1m --users 6040 --check --out quality.json
      winnow evaluate --data ml-1m --root var/ml-1m --page quality.html
    """
    import asyncio

    from services.cli.evaluation import evaluate as evaluation
    from services.cli.evaluation.show import show

    if bool(target) != bool(recall):
        raise typer.BadParameter("give both --target and --recall of a running suite, or neither")
    if page is not None and no_page:
        raise typer.BadParameter("give --page or --no-page, not both")
    asked = evaluation.Asked(data, root, users, seed, figures=not no_page)
    found = asyncio.run(
        evaluation.of_running_suite(asked, target, recall) if target else evaluation.of_own_suite(asked)
    )
    if found.page is not None:
        found.page.write(page or root / "reports" / f"{found.evaluation.snapshot_id}.html")
    show(found.evaluation, as_json=as_json, out=out, check=check)
