"""`winnow bench`: measure one service by itself."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from services.cli.commands import options
from services.cli.commands.snapshot import DEFAULT_ROOT, Root

app = typer.Typer(help="Measure one service by itself, in this process and without RPC.", no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Keeps `rank` a command of its own while it is the only one."""


@app.command("rank")
def rank(
    snapshot_id: Annotated[
        str, typer.Argument(metavar="ID", help="The snapshot; the current one by default.", show_default=False)
    ] = "",
    root: Root = DEFAULT_ROOT,
    device: Annotated[
        Literal["auto", "cuda", "cpu"], typer.Option(help="Where to run; cuda fails where there is no GPU.")
    ] = "auto",
    precision: Annotated[str, typer.Option(metavar="LIST", help="Any of fp32,fp16,int8.")] = "fp32",
    candidates: Annotated[str, typer.Option(metavar="LIST", help="Candidates of a query.")] = "500,2000,10000",
    queries: Annotated[int, typer.Option(min=1, max=256, help="Queries of a request.")] = 1,
    seconds: Annotated[float, typer.Option(min=0.01, help="How long to measure each.")] = 5.0,
    threads: Annotated[int, typer.Option(min=1, max=1024, help="Of one run on the CPU.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the requests.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures as JSON.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Measure a snapshot's ranker on the CPU or on a GPU, with the ranking service's own code around it.

    Requests are drawn at random and scored one after the other, from message to message. It tells candidates a second,
    how long a request takes, how much of that is spent in the model, which device it is really on and how many of
    its operators run there; on a GPU also how much of the time the device works and how many CUDA graphs it replays.

    \b
    Examples:
      winnow bench rank
      winnow bench rank --device cuda --precision fp32,fp16 --out gpu.json
      winnow bench rank --precision fp32,int8 --candidates 500 --seconds 2
    """
    from services.cli.bench.rank import Asked, measure
    from services.cli.bench.show import show

    numbers = [_number(text, 65_536 // queries) for text in candidates.split(",")]
    precisions: Any = [_precision(text) for text in precision.split(",")]
    asked = Asked(root, snapshot_id, device, precisions, numbers, queries, seconds, threads, seed)
    show(measure(asked), as_json=as_json, out=out)


def _number(text: str, most: int) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= most:
        raise typer.BadParameter(f"{text!r} is no number of candidates from 1 to {most}", param_hint="--candidates")
    return int(text)


def _precision(text: str) -> str:
    if text.strip() not in {"fp32", "fp16", "int8"}:
        raise typer.BadParameter(f"{text!r} is none of fp32, fp16 and int8", param_hint="--precision")
    return text.strip()
