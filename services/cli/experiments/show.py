"""The report of an experiment for a person, and as JSON."""

import math
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from services.cli.experiments.report import Report
from services.cli.experiments.statistics import Difference, Interval
from services.cli.output import console, print_json


def show(reports: list[Report], as_json: bool) -> None:
    """Prints reports."""
    if as_json:
        print_json(_without_nan([asdict(one) for one in reports]))
        return
    for one in reports:
        _show(one)


def _show(found: Report) -> None:
    screen = console()
    screen.print(f"[bold]{escape(found.experiment)}[/], compared with {escape(found.control)}")
    if found.mismatch:
        screen.print(
            f"[red]The users are not split as the file says[/] (p = {found.split_p_value:.2g}): something drops or adds "
            "users of some arm, and nothing below can be trusted until it is found."
        )
    elif found.split_p_value is not None:
        screen.print(f"[dim]The users are split as the file says (p = {found.split_p_value:.2g}).[/]")
    if found.moved_users:
        screen.print(f"[dim]{found.moved_users} users were in several arms, and are left out.[/]")
    screen.print(_arms(found))
    screen.print(_rewards(found))
    if any(arm.by_chance for arm in found.arms):
        screen.print(_by_chance(found))


def _arms(found: Report) -> Table:
    types = list(found.arms[0].events)
    table = _table("arm", "users", "answers", "degraded", *(f"{name} an answer" for name in types))
    for arm in found.arms:
        table.add_row(
            escape(arm.arm), str(arm.users), str(arm.exposures), f"{arm.degraded:.1%}",
            *(f"{arm.events[name]:.4f}" for name in types),
        )  # fmt: skip
    return table


def _rewards(found: Report) -> Table:
    table = _table("arm", "reward an answer", "against control", "p", "reward a user", "against control", "p")
    for arm in found.arms:
        table.add_row(
            escape(arm.arm),
            _interval(arm.reward_per_exposure), *_difference(arm.per_exposure),
            _interval(arm.reward_per_user), *_difference(arm.per_user),
        )  # fmt: skip
    return table


def _by_chance(found: Report) -> Table:
    table = _table("explored", "items", "that count as", "reward an item as shown", "drawn uniformly (SNIPS)")
    for arm in found.arms:
        if (told := arm.by_chance) is not None:
            table.add_row(
                escape(arm.arm), str(told.items), f"{told.effective_items:.0f}", _interval(told.shown),
                _interval(told.uniform),
            )  # fmt: skip
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _interval(interval: Interval) -> str:
    if math.isnan(interval.low):
        return f"{interval.value:.4f}"
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"


def _difference(difference: Difference | None) -> tuple[str, str]:
    """Returns the difference with its interval, and the p-value."""
    if difference is None:
        return "", ""
    text = f"{difference.value:+.4f}"
    if not math.isnan(difference.low):
        text += f" ({difference.low:+.4f} to {difference.high:+.4f})"
    return text, "" if math.isnan(difference.p_value) else f"{difference.p_value:.2g}"


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: what nobody can tell is null."""
    match value:
        case float():
            return None if math.isnan(value) else value
        case dict():
            return {key: _without_nan(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_without_nan(inner) for inner in value]
    return value
