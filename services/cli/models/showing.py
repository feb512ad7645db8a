"""The models that training can fit, and their settings."""

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from services.cli.failure import Failure
from services.cli.output import console, print_json
from services.training.model_settings import Family
from services.training.registries import REGISTRIES


def list_models(as_json: bool) -> None:
    """Prints every model with what it is for."""
    models = list(_models())
    if as_json:
        print_json([{"kind": kind, "model": family.name, "summary": family.summary} for kind, family in models])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("kind", "model", "what it is"):
        table.add_column(heading)
    for kind, family in models:
        table.add_row(kind, family.name, escape(family.summary))
    console().print(table)


def show_model(name: str, as_json: bool) -> None:
    """Prints what a model is, and its settings with their defaults.

    Raises:
        Failure: there is no such model.
    """
    found = [(kind, family) for kind, family in _models() if family.name == name]
    if not found:
        known = ", ".join(family.name for _, family in _models())
        raise Failure(f"There is no model {name}. There are: {known}.", exit_code=2)
    shown = [
        {"kind": kind, "model": name, "summary": family.summary, "settings": _settings(family)}
        for kind, family in found
    ]  # fmt: skip
    if as_json:
        print_json(shown)
        return
    for kind, family in found:
        console().print(f"[bold]{name}[/], {kind}: {escape(family.summary)}\n")
        console().print(_table(family))


def _models() -> Iterator[tuple[str, Family]]:
    for kind, registry in REGISTRIES.items():
        for family in registry.values():
            yield kind, family


def _settings(family: Family) -> list[dict[str, object]]:
    defaults = family.config().model_dump(mode="json")
    return [
        {"setting": name, "default": defaults[name], "description": field.description or ""}
        for name, field in family.config.model_fields.items()
    ]  # fmt: skip


def _table(family: Family) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("setting", "default", "what it does"):
        table.add_column(heading)
    for setting in _settings(family):
        table.add_row(*(escape(str(setting[column])) for column in ("setting", "default", "description")))
    return table
