"""The small languages of the command line's options."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from winnow.client import Filter, RecommendOptions


def attribute(text: str) -> tuple[str, str | float]:
    """Reads NAME=VALUE. A value that reads as a number is one, unless it is in double quotes.

    Raises:
        typer.BadParameter: there is no name or no "=".
    """
    name, value = _pair(text, "=", "NAME=VALUE, such as age=31")
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return name, value[1:-1]
    try:
        return name, float(value)
    except ValueError:
        return name, value


def weight(text: str) -> tuple[str, float]:
    """Reads OBJECTIVE=WEIGHT.

    Raises:
        typer.BadParameter: there is no objective, or the weight is no number.
    """
    name, value = _pair(text, "=", "OBJECTIVE=WEIGHT, such as like=2")
    try:
        return name, float(value)
    except ValueError:
        raise typer.BadParameter(f"{value!r} in {text!r} is no number") from None


def item_filter(text: str) -> "Filter":
    """Reads FIELD=VALUE, where several values are separated by "|"; FIELD!=VALUE leaves the items out.

    Raises:
        typer.BadParameter: there is no field or no "=".
    """
    from winnow.client import Filter  # noqa: PLC0415 - gRPC is not loaded to show help

    field, values = _pair(text, "=", "FIELD=VALUE, such as category=Comedy")
    return Filter(field.removesuffix("!"), tuple(values.split("|")), exclude=field.endswith("!"))


def recommend_options(
    *,
    count: int,
    session: list[str] | None,
    attributes: list[str] | None,
    item_filters: list[str] | None,
    exclude: list[str] | None,
    weights: list[str] | None,
    diversity: float | None,
    include_seen: bool,
) -> "RecommendOptions":
    """Reads the options that say what is to be recommended.

    Raises:
        typer.BadParameter: one of them is not of its form.
    """
    asked: RecommendOptions = {
        "max_results": count,
        "session_item_ids": session or (),
        "user_attributes": dict(map(attribute, attributes or ())),
        "filters": list(map(item_filter, item_filters or ())),
        "exclude_item_ids": exclude or (),
        "objective_weights": dict(map(weight, weights or ())),
        "include_seen": include_seen,
    }
    if diversity is not None:
        asked["diversity"] = diversity
    return asked


def _pair(text: str, separator: str, form: str) -> tuple[str, str]:
    name, found, value = text.partition(separator)
    if not found or not name.strip("!"):
        raise typer.BadParameter(f"{text!r} is not of the form {form}")
    return name, value
