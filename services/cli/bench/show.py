"""Showing what was measured."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from services.cli.bench.rank import Figures
from services.cli.failure import Failure
from services.cli.output import console, print_json, remarks


def show(measured: Iterable[Figures], *, as_json: bool, out: Path | None) -> None:
    """Prints a table, or JSON, and writes the figures to a file.

    Args:
        measured: The figures, as they are measured.
        as_json: Whether to print JSON.
        out: Where to write JSON too.

    Raises:
        Failure: the file cannot be written, or what `measured` raises.
    """
    figures = []
    for one in measured:
        figures.append(one)
        remarks().print(f"{one.precision} on {one.device}, {one.queries} x {one.candidates}: {one.p50_ms:.2f} ms")
    document = [asdict(one) for one in figures]
    if out is not None:
        try:
            out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise Failure(f"{out} cannot be written: {error.strerror}.") from error
    if as_json:
        print_json(document)
    else:
        console().print(_table(figures))
        for operators in {tuple(sorted(one.operators.items())) for one in figures}:
            console().print("Operators by provider: " + ", ".join(f"{name} {count}" for name, count in operators) + ".")


def _table(figures: list[Figures]) -> Table:
    table = Table(title=f"Ranking with {figures[0].snapshot}")
    for heading in ("device", "precision"):
        table.add_column(heading)
    for heading in (
        "queries",
        "candidates",
        "candidates/s",
        "p50 ms",
        "p99 ms",
        "in the model",
        "on the GPU",
        "graphs",
    ):
        table.add_column(heading, justify="right")
    for one in figures:
        table.add_row(
            one.device,
            one.precision if one.precision == one.demanded else f"{one.precision} ({one.demanded} is absent)",
            str(one.queries),
            f"{one.candidates:,}",
            f"{one.candidates_per_second:,.0f}",
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
            f"{one.share_in_model:.0%}",
            "" if one.share_on_device is None else f"{one.share_on_device:.0%}",
            str(one.cuda_graphs),
        )
    return table
