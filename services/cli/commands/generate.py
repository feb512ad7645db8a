"""`winnow generate`."""

from pathlib import Path
from typing import Annotated

import typer


def generate(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write the data set; made when absent.")],
    users: Annotated[int | None, typer.Option(help="How many readers. [default: 3000]")] = None,
    items: Annotated[int | None, typer.Option(help="How many books. [default: 2000]")] = None,
    events: Annotated[int | None, typer.Option(help="About how many events. [default: 120000]")] = None,
    days: Annotated[int | None, typer.Option(help="How long the readers are watched. [default: 180]")] = None,
    noise: Annotated[float | None, typer.Option(help="Share of events at random, 0 to 1. [default: 0.05]")] = None,
    seed: Annotated[int | None, typer.Option(help="Equal seeds give equal data sets. [default: 7]")] = None,
) -> None:
    """Generate a data set of readers and books, to try the suite with.

    \b
    Examples:
      winnow generate --out var/data
      winnow generate --out big --users 20000 --items 10000 --events 1000000
    """
    from services.cli import generation

    chosen = {"users": users, "items": items, "events": events, "days": days, "noise": noise, "seed": seed}
    generation.write(out, {name: value for name, value in chosen.items() if value is not None})
