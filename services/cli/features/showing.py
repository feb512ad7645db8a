"""Views in a table, and as the declaration that they could have been read from."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.markup import escape
from rich.table import Table

from services.cli.failure import Failure
from services.cli.features.sources import read_views
from services.cli.output import console, print_json
from shared.feature_views import DERIVED, FeatureView, to_toml
from shared.feature_views.durations import format_duration


def list_views(data: Path | None, root: Path, snapshot_id: str, as_json: bool) -> None:
    """Prints a line for each view.

    Raises:
        Failure: there is no such data set or snapshot.
    """
    views = read_views(data, root, snapshot_id)
    if as_json:
        print_json([_as_json(view) for view in views])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("view", "of", "version", "owner", "ttl", "sensitivity", "fields"):
        table.add_column(heading)
    for view in views:
        version = "derived" if view.version == DERIVED else str(view.version)
        ttl = format_duration(view.ttl_seconds) if view.ttl_seconds else "for ever"
        names = ", ".join(field.name for field in view.fields)
        table.add_row(*map(escape, (view.name, view.entity, version, view.owner, ttl, view.sensitivity, names)))
    console().print(table)


def show_views(data: Path | None, root: Path, snapshot_id: str, name: str, as_json: bool) -> None:
    """Prints views, or the one of a name, as TOML that can be saved as `features.toml`.

    Raises:
        Failure: there is no such data set or snapshot, or no view of the name.
    """
    views = _named(read_views(data, root, snapshot_id), name)
    if as_json:
        print_json([_as_json(view) for view in views])
    else:
        sys.stdout.write(to_toml(views))


def _named(views: Sequence[FeatureView], name: str) -> Sequence[FeatureView]:
    found = [view for view in views if name in {"", view.name}]
    if name and not found:
        known = ", ".join(view.name for view in views) or "none"
        raise Failure(f"There is no view {name!r}; there are: {known}.")
    return found


def _as_json(view: FeatureView) -> dict[str, object]:
    shown: dict[str, object] = msgspec.to_builtins(view)
    return shown | {"digest": view.digest()}
