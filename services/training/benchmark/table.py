"""The page of quality, made from measured cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.training.benchmark.curves import curve_line
from services.training.benchmark.protocol import Refused
from services.training.benchmark.published import bars, published, reaches
from services.training.benchmark.registry import PROTOCOLS
from services.training.benchmark.results import Cell

BEGIN = "<!-- winnow benchmark: begin -->"
END = "<!-- winnow benchmark: end -->"

# What cold items gain, known ones may lose: the third belongs beside the other two.
_MAIN_METRICS = {"cold-items": 3}
# What decides when to stop, where it is not NDCG@10.
_VALIDATED_BY = {"ctr": "AUC"}
_COST_HEADINGS = ("fit", "fit CPU", "threads", "bytes/item", "ms/query")


def replace_table(page: str, table: str) -> str:
    """Returns a page with another table between its two marks.

    Raises:
        Refused: the page has no such marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise Refused(f"the page lacks the lines {BEGIN} and {END}, between which the table belongs")
    return f"{before}{BEGIN}\n\n{table.rstrip()}\n\n{END}{after}"


def render(cells: Sequence[Cell]) -> str:
    """Returns a section for each protocol and data set, in Markdown."""
    sections: dict[tuple[str, str], list[Cell]] = {}
    order = {name: place for place, name in enumerate(PROTOCOLS)}
    for cell in sorted(cells, key=lambda one: (order.get(one.protocol, len(order)), one.key())):
        sections.setdefault((cell.protocol, cell.data_set), []).append(cell)
    return "\n".join(line for found in sections.values() for line in _section(found))


def main_metrics(cell: Cell) -> list[str]:
    """Returns the metrics that a protocol is known by: those with a bar, or else its last ones."""
    demanded = bars(cell.protocol, cell.data_set if cell.is_published else None)
    if demanded is not None:
        return list(demanded.gate)
    return list(cell.metrics)[-_MAIN_METRICS.get(cell.protocol, 2) :]


def _section(cells: Sequence[Cell]) -> Iterable[str]:
    first = cells[0]
    data_set = first.data_set if first.is_published else None
    names = main_metrics(first)
    size = first.size
    summary = PROTOCOLS[first.protocol].summary if first.protocol in PROTOCOLS else ""
    yield f"### {first.protocol} on {first.data_set}"
    yield ""
    yield f"{summary[:1].upper()}{summary[1:]}. {size.users:,} users, {size.items:,} items, {size.events:,} events."
    yield ""
    demanded = bars(first.protocol, data_set)
    if demanded is not None:
        yield " · ".join(
            f"{name}: {' / '.join(f'{values[metric]:.4f}' for metric in names)}"
            for name, values in (("gate", demanded.gate), ("target", demanded.target), ("record", demanded.record))
            if values
        )
        yield ""
    yield _row(["model", *_headings(names), "reaches", *_COST_HEADINGS, "seed", "measured"])
    yield _row(["---", *["---:"] * (2 * len(names)), "---", *["---:"] * len(_COST_HEADINGS), "---:", "---"])
    for cell in cells:
        yield _row(_columns(cell, names, data_set))
    ours = {cell.model for cell in cells}
    for one in published(first.protocol, data_set):
        if one.model not in ours:
            figures = [text for name in names for text in ("", f"{one.values[name]:.4f}")]
            yield _row([f"*{one.label}*", *figures, "*published only*", *[""] * (len(_COST_HEADINGS) + 2)])
    yield ""
    yield from _curves(cells)
    if sources := list(dict.fromkeys(one.source for one in published(first.protocol, data_set))):
        yield "Published by " + "; ".join(sources) + "."
        yield ""
    yield "Measured on " + "; ".join(sorted({_machine(cell) for cell in cells})) + "."
    yield ""


def _curves(cells: Sequence[Cell]) -> Iterable[str]:
    fitted = [cell for cell in cells if cell.curve]
    if fitted:
        metric = _VALIDATED_BY.get(fitted[0].protocol, "NDCG@10")
        yield f"Validation {metric} after each epoch; the model of the best one is kept:"
        yield ""
        yield from (f"- {_label(cell)}: {curve_line(cell.curve)}" for cell in fitted)
        yield ""


def _label(cell: Cell) -> str:
    settings = ", ".join(f"{name}={value}" for name, value in cell.settings.items())
    label = f"`{cell.model}`" + (f" ({settings})" if settings else "")
    return label + (f", newest {cell.max_history}" if cell.max_history else "")


def _headings(names: Sequence[str]) -> Iterable[str]:
    for name in names:
        yield f"{name} [95 %]"
        yield "published"


def _columns(cell: Cell, names: Sequence[str], data_set: str | None) -> list[str]:
    known = list(published(cell.protocol, data_set, cell.model))
    columns = [_label(cell)]
    for name in names:
        one = cell.metrics[name]
        columns.append(f"{one.mean:.4f} [{one.low:.4f}, {one.high:.4f}]")
        columns.append(", ".join(f"{figure.values[name]:.4f}" for figure in known))
    cost = cell.cost
    return [
        *columns,
        _reached(cell, data_set),
        f"{cost.fit_seconds:,.1f} s",
        "" if cost.fit_cpu_seconds is None else f"{cost.fit_cpu_seconds:,.1f} s",
        str(cell.machine["threads"]),
        "" if cost.bytes_per_item is None else f"{cost.bytes_per_item:,.0f}",
        "" if cost.query_ms is None else f"{cost.query_ms:.2f}",
        str(cell.seed),
        cell.date,
    ]


def _reached(cell: Cell, data_set: str | None) -> str:
    demanded = bars(cell.protocol, data_set)
    if demanded is None:
        return ""
    for name, values in (("record", demanded.record), ("target", demanded.target), ("gate", demanded.gate)):
        if values and all(reaches(metric, cell.metrics[metric].mean, bar) for metric, bar in values.items()):
            return name
    return "nothing"


def _machine(cell: Cell) -> str:
    found = cell.machine
    gpu = f", {found['gpu']}" if "gpu" in found else ""
    cores = "1 core" if found["cores"] == 1 else f"{found['cores']} cores"
    return f"{found['processor']}, {cores}, {found['memory_gib']} GiB{gpu}, torch {found['torch']}"


def _row(columns: Iterable[str]) -> str:
    return "| " + " | ".join(columns) + " |"
