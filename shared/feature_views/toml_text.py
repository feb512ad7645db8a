"""Views as TOML that can be saved as `features.toml`, edited and read again."""

import json
from collections.abc import Iterator, Sequence

import msgspec

from shared.feature_views.durations import format_duration
from shared.feature_views.fields import Counter, FeatureField, kind_of
from shared.feature_views.views import DERIVED, FeatureView


def to_toml(views: Sequence[FeatureView]) -> str:
    """Returns a declaration of the views.

    A view that nobody declared is written as version 1, which it is from the day that the text is saved.
    """
    return "\n".join("\n".join(_view(view)) + "\n" for view in views)


def _view(view: FeatureView) -> Iterator[str]:
    yield "[[views]]"
    yield f"name = {_value(view.name)}"
    yield f"entity = {_value(view.entity)}"
    yield f"version = {1 if view.version == DERIVED else view.version}"
    for key, text in (("owner", view.owner), ("description", view.description)):
        if text:
            yield f"{key} = {_value(text)}"
    if view.ttl_seconds:
        yield f"ttl = {_value(format_duration(view.ttl_seconds))}"
    yield f"sensitivity = {_value(view.sensitivity)}"
    yield "fields = ["
    for field in view.fields:
        yield f"  {{ {', '.join(_field(field))} }},"
    yield "]"


def _field(field: FeatureField) -> Iterator[str]:
    yield f"name = {_value(field.name)}"
    yield f"kind = {_value(kind_of(field))}"
    for part in msgspec.structs.fields(field):
        written = getattr(field, part.name)
        if part.name != "name" and written != part.default:
            yield f"{part.name} = {_value(written)}"


def _value(value: object) -> str:
    if isinstance(value, Counter):
        half_life = format_duration(value.half_life_seconds)
        return f"{{ events = {_value(value.events)}, half_life = {_value(half_life)} }}"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        # TOML's basic strings have JSON's escapes but for surrogate pairs; only the delete character needs one more.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, (int, float)):
        return repr(value)
    raise TypeError(f"{value!r} has no TOML")
