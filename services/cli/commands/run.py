"""`winnow run`."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.commands import options


def run(
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The data set; docs/data.md has the formats. [default: generated]"),
    ] = None,
    root: options.Root = Path("var"),
    once: Annotated[bool, typer.Option("--once", help="Stop after the first recommendations.")] = False,
    retrain: Annotated[bool, typer.Option("--retrain", help="Train even if there is a snapshot of this data.")] = False,
    host: options.Host = "127.0.0.1",
    port_base: options.PortBase = 50051,
    metrics_port_base: options.MetricsPortBase = 9101,
    workers: options.Workers = None,
) -> None:
    """From nothing to recommendations: data, training, the four services, users, and answers for three of them.

    What is there already is used: a data set that was generated, a snapshot that was trained on the same data.
    It goes on serving until Ctrl-C.

    \b
    Examples:
      winnow run
      winnow run --data ml-1m --root var/ml-1m
    """
    import asyncio

    from services.cli import tour
    from services.cli.supervisor import SuitePorts
    from services.cli.supervisor.foreground import until_signal

    prepared = tour.prepare(data, root, retrain)
    ports = SuitePorts.from_base(port_base, metrics_port_base)
    asyncio.run(until_signal(tour.serve(prepared, root, ports, host, once=once, workers=workers)))
