"""Showing what was measured."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from rich.markup import escape
from rich.table import Table

from services.cli.failure import Failure
from services.cli.output import console, print_json
from services.training.benchmark.protocol import Refused
from services.training.benchmark.published import Bars, bars, published
from services.training.benchmark.registry import PROTOCOLS
from services.training.benchmark.results import Cell, add_cell, read_cells
from services.training.benchmark.table import render, replace_table
from services.training.metrics import Interval


def show(cell: Cell, *, as_json: bool, out: Path | None) -> None:
    """Prints a cell and adds it to a file.

    Raises:
        Failure: the file cannot be written, or is not one of results.
    """
    if as_json:
        print_json(msgspec.to_builtins(cell))
    else:
        _print(cell)
    if out is not None:
        try:
            add_cell(out, cell)
        except Refused as error:
            raise Failure(f"{error}.") from error


def list_protocols(*, as_json: bool) -> None:
    """Prints every protocol, what it needs, and its models."""
    if as_json:
        print_json(
            {
                name: {"summary": one.summary, "files": one.files, "models": dict(one.models())}
                for name, one in PROTOCOLS.items()
            }
        )
        return
    screen = console()
    protocols = _table("protocol", "what it does", "needs")
    for name, one in PROTOCOLS.items():
        protocols.add_row(name, one.summary, one.files)
    screen.print(protocols)
    models = _table("model", "what it is", "protocols")
    by_model: dict[str, tuple[str, list[str]]] = {}
    for protocol in PROTOCOLS.values():
        for model, summary in protocol.models().items():
            by_model.setdefault(model, (summary, []))[1].append(protocol.name)
    for model, (summary, names) in by_model.items():
        models.add_row(model, summary, ", ".join(names))
    screen.print()
    screen.print(models)


def write_table(results: Path, page: Path | None) -> None:
    """Prints the table of a file of results, or writes it between the marks of a page.

    Raises:
        Failure: a file cannot be read or written, or is not what it should be.
    """
    try:
        table = render(read_cells(results))
        if page is None:
            print(table, end="")  # noqa: T201 - the result, free of any wrapping
        else:
            page.write_text(replace_table(page.read_text(encoding="utf-8"), table), encoding="utf-8")
    except Refused as error:
        raise Failure(f"{error}.") from error
    except OSError as error:
        raise Failure(f"{page} cannot be written: {error.strerror}.") from error


def _print(cell: Cell) -> None:
    screen = console()
    size = cell.size
    screen.print(
        f"{escape(cell.model)} on {escape(cell.data_set)} by {cell.protocol}: {cell.queries:,} queries, "
        f"{size.users:,} users, {size.items:,} items, {size.events:,} events, seed {cell.seed}"
    )
    screen.print(_metrics(cell))
    if cell.beyond:
        screen.print("Lists: " + ", ".join(f"{name} {value:.4g}" for name, value in cell.beyond.items()) + ".")
    if cell.slices:
        screen.print(_slices(cell))
    cost = cell.cost
    cpu = "" if cost.fit_cpu_seconds is None else f" ({cost.fit_cpu_seconds:.1f} s of CPU)"
    parts = [f"{cost.fit_seconds:.1f} s to fit{cpu}", f"{cost.evaluate_seconds:.1f} s to ask"]
    if cost.bytes_per_item is not None:
        parts.append(f"{cost.bytes_per_item:,.0f} bytes per item")
    if cost.query_ms is not None:
        parts.append(f"{cost.query_ms:.2f} ms per query")
    screen.print("Cost: " + ", ".join(parts) + ".")
    machine = ", ".join(f"{name} {value}" for name, value in cell.machine.items())
    screen.print(f"Machine: {escape(machine)}.")


def _metrics(cell: Cell) -> Table:
    data_set = cell.data_set if cell.is_published else None
    demanded = bars(cell.protocol, data_set)
    known = list(published(cell.protocol, data_set))
    table = _table("metric")
    for heading in ("value", "95 % interval", "gate", "target", "record"):
        table.add_column(heading, justify="right")
    table.add_column("published")
    for name, interval in cell.metrics.items():
        limits = ("", "", "") if demanded is None else [_figure(one, name) for one in _levels(demanded)]
        figures = ", ".join(f"{one.label} {one.values[name]:.4f}" for one in known if name in one.values)
        table.add_row(name, f"{interval.mean:.4f}", _bounds(interval), *limits, figures)
    return table


def _slices(cell: Cell) -> Table:
    table = _table(f"{list(cell.metrics)[-1]} by part")
    for heading in ("value", "95 % interval"):
        table.add_column(heading, justify="right")
    for name, interval in cell.slices.items():
        table.add_row(escape(name), f"{interval.mean:.4f}", _bounds(interval))
    return table


def _levels(demanded: Bars) -> tuple[Mapping[str, float], ...]:
    return demanded.gate, demanded.target, demanded.record


def _figure(values: Mapping[str, float], name: str) -> str:
    return f"{values[name]:.4f}" if name in values else ""


def _bounds(interval: Interval) -> str:
    return f"{interval.low:.4f} to {interval.high:.4f}"


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    return table
