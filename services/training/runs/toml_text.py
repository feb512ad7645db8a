"""Writing TOML, which Python only reads."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """Returns a table as TOML: values first, then a section for each table in it. What is None is left out.

    Args:
        table: Texts, numbers, booleans, sequences and mappings, by name.
        path: Names of the tables that it is in.

    Raises:
        TypeError: a value is of another type.
    """
    known = {name: value for name, value in table.items() if value is not None}
    lines = [f"{_key(name)} = {_value(value)}" for name, value in known.items() if not isinstance(value, Mapping)]
    text = "".join(f"{line}\n" for line in lines)
    for name, value in known.items():
        if isinstance(value, Mapping):
            inner = (*path, name)
            text += f"\n[{'.'.join(map(_key, inner))}]\n{to_toml(value, inner)}"
    return text


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value) if math.isfinite(value) else str(value)
        case str():
            return _text(value)
        case Mapping():
            entries = (f"{_key(name)} = {_value(one)}" for name, one in value.items() if one is not None)
            return "{" + ", ".join(entries) + "}"
        case Sequence():
            return "[" + ", ".join(map(_value, value)) + "]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _text(value: str) -> str:
    # A JSON string is a TOML string, but for the one control character that JSON lets stand.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
