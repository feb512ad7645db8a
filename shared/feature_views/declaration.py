"""Reading `features.toml`, the one declaration of a data set's feature views (docs/feature-views.md)."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from shared.feature_views.columns import RESERVED_ITEM_NAMES
from shared.feature_views.durations import parse_duration
from shared.feature_views.fields import FIELD_KINDS, Counter, EmbeddingField, FeatureField, FloatField, IntField
from shared.feature_views.views import DERIVED, MAX_USER_ATTRIBUTES, FeatureView, counters_of, fields_of

FEATURES_FILE = "features.toml"

_VIEW_KEYS = ("name", "entity", "version", "owner", "description", "ttl", "sensitivity", "fields")
_PLACE = re.compile(r" - at `\$\.?(.*)`$")


class ViewsRefused(Exception):
    """A declaration that cannot be used.

    Args:
        path: The file.
        problem: What is wrong and what is allowed.
        view: The view's name, or its place where it has none; empty where no view is at fault.
        field: The field's likewise.
    """

    def __init__(self, path: Path, problem: str, view: str = "", field: str = "") -> None:
        self.path, self.problem, self.view, self.field = path, problem, view, field
        place = (f"view {view}: " if view else "") + (f"field {field}: " if field else "")
        super().__init__(f"{path}: {place}{problem}")


def read_views(folder: Path) -> tuple[FeatureView, ...] | None:
    """Reads the declaration in a data set's folder; None where there is none.

    Raises:
        ViewsRefused: it cannot be read, or says something that is not allowed.
    """
    path = folder / FEATURES_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ViewsRefused(path, f"it cannot be read: {error}") from error
    return parse_views(text, path)


def parse_views(text: str, path: Path = Path(FEATURES_FILE)) -> tuple[FeatureView, ...]:
    """Reads a declaration.

    Args:
        text: TOML.
        path: Where it came from, for messages.

    Raises:
        ViewsRefused: it is no TOML, or says something that is not allowed.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ViewsRefused(path, f"it is not TOML: {error}") from error
    try:
        _check_keys(document, ("views",))
        views = tuple(_view(table, place, path) for place, table in enumerate(_tables(document, "views"), start=1))
        if not views:
            # An empty file is more often a redirection gone wrong than the wish for no features at all.
            raise ValueError("views is empty; a declaration must have one or more")
    except ValueError as error:
        raise ViewsRefused(path, str(error)) from error
    _check_together(views, path)
    return views


def _view(table: Mapping[str, Any], place: int, path: Path) -> FeatureView:
    name = str(table.get("name") or f"number {place}")
    try:
        _check_keys(table, _VIEW_KEYS)
        written = dict(table)
        fields = tuple(_field(field, at, path, name) for at, field in enumerate(_tables(table, "fields"), start=1))
        if not fields:
            raise ValueError("fields is empty; a view must have one or more")
        if "ttl" in written:
            written["ttl_seconds"] = _duration("ttl", written.pop("ttl"))
        view: FeatureView = _converted(written | {"fields": ()}, FeatureView)
        if view.version == DERIVED:
            raise ValueError("version is 0; it must be 1 or more")
    except ValueError as error:
        raise ViewsRefused(path, str(error), name) from error
    view = msgspec.structs.replace(view, fields=fields)
    _check_sensitivity(view, path)
    for counted in counters_of([view], view.entity) if view.ttl_seconds else ():
        problem = (
            "a count fades by its half-life; a view with a ttl may not have a counter, put it into a view without one"
        )
        raise ViewsRefused(path, problem, view.name, counted)
    return view


def _field(table: Mapping[str, Any], place: int, path: Path, view: str) -> FeatureField:
    name = str(table.get("name") or f"number {place}")
    try:
        kind = table.get("kind")
        struct = FIELD_KINDS.get(kind) if isinstance(kind, str) else None
        if struct is None:
            raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(FIELD_KINDS)}")
        _check_keys(table, ("name", "kind", *(key for key in struct.__struct_fields__ if key != "name")))
        written = dict(table)
        if "counter" in written:
            written["counter"] = _counter(written["counter"])
        field: FeatureField = _converted(written, struct)
    except ValueError as error:
        raise ViewsRefused(path, str(error), view, name) from error
    return field


def _counter(table: object) -> Counter:
    if not isinstance(table, dict):
        raise ValueError('counter is no table; write it as counter = { events = ["click"], half_life = "7d" }')
    try:
        _check_keys(table, ("events", "half_life"))
        if missing := [key for key in ("events", "half_life") if key not in table]:
            raise ValueError(f"has no {missing[0]}; it must have events and half_life")
    except ValueError as error:
        raise ValueError(f"counter: {error}") from error
    seconds = _duration("counter.half_life", table["half_life"])
    counter: Counter = _converted({"events": table["events"], "half_life_seconds": seconds}, Counter)
    return counter


def _tables(table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    tables = table.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise ValueError(
            f"{key} is no list of tables; write each as [[{'views' if key == 'views' else 'views.fields'}]]"
        )
    return tables


def _check_keys(table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for key in table:
        if key not in allowed:
            raise ValueError(f"{key!r} is unknown; allowed are {', '.join(allowed)}")


def _duration(key: str, written: object) -> float:
    try:
        return parse_duration(written)
    except ValueError as error:
        raise ValueError(f"{key} {error}") from error


def _converted(table: Mapping[str, Any], struct: Any) -> Any:
    try:
        return msgspec.convert(table, type=struct)
    except msgspec.ValidationError as error:
        message = str(error)
        place = _PLACE.search(message)
        problem = _PLACE.sub("", message)
        raise ValueError(f"{place[1]}: {problem}" if place and place[1] else problem) from error


def _check_sensitivity(view: FeatureView, path: Path) -> None:
    if view.sensitivity != "pseudonymous":
        return
    if view.entity == "item":
        raise ViewsRefused(
            path, "sensitivity is 'pseudonymous'; of items it must be one of 'plain', 'never_logged'", view.name
        )
    for field in view.fields:
        if isinstance(field, (FloatField, IntField, EmbeddingField)):
            problem = "a hash is no number; a 'pseudonymous' view may have fields of kind categorical and sequence"
            raise ViewsRefused(path, problem, view.name, field.name)


def _check_together(views: tuple[FeatureView, ...], path: Path) -> None:
    names: set[str] = set()
    for view in views:
        if view.name in names:
            raise ViewsRefused(path, "the name occurs twice; each view must have its own", view.name)
        names.add(view.name)
    for entity in ("user", "item"):
        owners: dict[str, str] = {}
        for view, field in fields_of(views, entity):
            if "=" in field.name or (entity == "item" and field.name in RESERVED_ITEM_NAMES):
                problem = f"name may have no '=', and of an item not be one of {', '.join(RESERVED_ITEM_NAMES)}"
                raise ViewsRefused(path, problem, view.name, field.name)
            # A number that is counted takes a feature of its name, though no attribute.
            for name in field.attribute_names or (field.name,):
                if name in owners:
                    problem = (
                        f"{name!r} is a field of view {owners[name]} too; each {entity} field must have its own name"
                    )
                    raise ViewsRefused(path, problem, view.name, field.name)
                owners[name] = view.name
    stored = sum(len(field.attribute_names) for _, field in fields_of(views, "user"))
    if stored > MAX_USER_ATTRIBUTES:
        raise ViewsRefused(
            path,
            f"the user views have {stored} attributes, counting each place of an embedding or sequence; "
            f"a user may have {MAX_USER_ATTRIBUTES}",
        )
