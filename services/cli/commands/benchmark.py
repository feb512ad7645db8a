"""`winnow benchmark`."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.commands import options


def benchmark(
    protocol: Annotated[
        str, typer.Option(metavar="NAME", help="How to split and judge; --list has the names.", show_default=False)
    ] = "",
    model: Annotated[
        str, typer.Option(metavar="NAME", help="The model to fit; --list has the names.", show_default=False)
    ] = "",
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The data set; docs/evaluation.md has what it must hold.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A setting of the model; may be given again.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of every random choice.")] = 0,
    max_history: Annotated[
        int, typer.Option(min=0, help="How many of the newest items of a history a model is shown; 0 for all.")
    ] = 0,
    threads: Annotated[int, typer.Option(min=0, help="For the arithmetic; 0 takes the CPU quota.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Add the result to this file; one of the same cell is replaced."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List protocols and models, and end.")] = False,
    table: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Print the table of these results, and end.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="With --table: write it between the marks of this page.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Measure a model on a data set by a published protocol: one cell of the table in docs/quality.md.

    The model is fitted on the protocol's training part alone and judged on its test part; nothing is tuned. It prints each
    metric with its 95 % bootstrap interval, the gate, the target and the published figures, what the lists are like,
    the metric for parts of the users and items, and the cost: seconds to fit, bytes per item, milliseconds per query.

    \b
    Examples:
      winnow benchmark --list
      winnow benchmark --protocol ncf --model ease --data ml-1m --out results.json
      winnow benchmark --protocol next-item --model popularity --data my-shop --seed 3
      winnow benchmark --protocol ctr --model deepfm --data frappe
      winnow benchmark --protocol rating --model bayesian_mf --data ml-100k --setting dimension=30
      winnow benchmark --table results.json --page docs/quality.md
    """
    from services.cli.benchmark.measure import measure
    from services.cli.benchmark.settings import parsed
    from services.cli.benchmark.show import list_protocols, show, write_table

    if page is not None and table is None:
        raise typer.BadParameter("--page is for --table")
    if listed:
        list_protocols(as_json=as_json)
        return
    if table is not None:
        write_table(table, page)
        return
    if not protocol or not model or data is None:
        raise typer.BadParameter("give --protocol, --model and --data, or --list")
    cell = measure(
        protocol,
        model=model,
        data=data,
        settings=parsed(setting or []),
        seed=seed,
        max_history=max_history or None,
        threads=threads,
        quiet=quiet,
    )
    show(cell, as_json=as_json, out=out)
