"""Which settings of a model are searched, and between which bounds."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from services.training.recall.model import ModelConfig

#: How far below and above its default a setting without bounds is searched.
_TIMES = 10.0
_TIMES_OF_A_SIZE = 4
# Limits on work and memory say what may be spent, not what is learned.
_LIMITS = ("epochs", "patience", "batch", "threads")
_PREFIXES_OF_LIMITS = ("max_", "min_", "validation_")


class SpaceRefused(ValueError):
    """A space names what the model does not have, or bounds that make no sense."""


class Range(BaseModel):
    """What values a setting is tried with: numbers between bounds, or choices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float | None = Field(default=None, description="Least value.")
    high: float | None = Field(default=None, description="Largest value.")
    log: bool = Field(default=False, description="Whether orders of magnitude are equally likely, not values.")
    choices: tuple[bool | int | float | str, ...] = Field(default=(), description="Values, instead of bounds.")

    def has(self, value: object) -> bool:
        """Whether the value is one of those that are tried."""
        if self.choices:
            return value in self.choices
        if not isinstance(value, (int, float)) or self.low is None or self.high is None:
            return False
        return self.low <= value <= self.high

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if self.choices:
            if self.low is not None or self.high is not None:
                raise ValueError("give choices, or low and high")
        elif self.low is None or self.high is None or not self.low <= self.high:
            raise ValueError("low and high are needed, and low must not be above high")
        elif self.log and self.low <= 0:
            raise ValueError("low must be above 0 where log is true")
        return self


def default_space(config: type[ModelConfig]) -> dict[str, Range]:
    """Returns what is searched of a model without being told.

    - A switch, and what has a few named values: all of them.
    - A number with bounds on both sides: all between them; up to 0.9 of what it must stay below.
    - Any other number above 0: a tenth to ten times its default, of a size a quarter to four times, by order of magnitude.
    - Not searched: limits on work and memory (epochs, patience, batch, max_...), and what fits none of these.

    A field says otherwise with `json_schema_extra={"search": {"low": 1e-6, "high": 0.1, "log": True}}`, or `"search": False`.
    """
    found = {}
    for name, field in config.model_fields.items():
        declared = field.json_schema_extra.get("search") if isinstance(field.json_schema_extra, dict) else None
        if isinstance(declared, Mapping):
            found[name] = Range.model_validate(declared)
        elif declared is None and (searched := _derived(name, field)) is not None:
            found[name] = searched
    return found


def read_space(path: Path, config: type[ModelConfig]) -> tuple[dict[str, Range], dict[str, Any]]:
    """Reads a space: a table for each setting that is searched, and a value for each that is fixed.

    Args:
        path: A TOML file such as `learning_rate = {low = 1e-4, high = 1e-2, log = true}`, a line a setting.
        config: The model's settings.

    Returns:
        What is searched, and what is fixed.

    Raises:
        SpaceRefused: the model has no such setting, or no such value of it.
        pydantic.ValidationError: a range makes no sense, or a fixed value is out of the setting's bounds.
        tomllib.TOMLDecodeError: it is not TOML.
        OSError: it cannot be read.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    unknown = table.keys() - config.model_fields.keys()
    if unknown:
        known = ", ".join(config.model_fields)
        raise SpaceRefused(f"{path}: there is no setting {', '.join(sorted(unknown))}; there are {known}")
    searched = {name: Range.model_validate(value) for name, value in table.items() if isinstance(value, Mapping)}
    fixed = {name: value for name, value in table.items() if name not in searched}
    if not searched:
        raise SpaceRefused(f"{path}: nothing is searched; give a setting a table, such as {{low = 1, high = 5}}")
    config.model_validate(fixed)
    return searched, fixed


def _derived(name: str, field: FieldInfo) -> Range | None:
    if name in _LIMITS or name.startswith(_PREFIXES_OF_LIMITS):
        return None
    kind, default = field.annotation, field.default
    if kind is bool:
        return Range(choices=(False, True))
    if get_origin(kind) is Literal:
        return Range(choices=get_args(kind))
    if kind not in {int, float}:
        return None
    low, high = _bounds(field)
    if math.isinf(low) or math.isinf(high):
        return _around(default, low, high, whole=kind is int)
    return Range(low=low, high=high)


def _around(default: float, low: float, high: float, *, whole: bool) -> Range | None:
    """Values around a default, by order of magnitude; None where it has none."""
    if default <= 0:
        return None
    least, most = (
        (max(1, default // _TIMES_OF_A_SIZE), default * _TIMES_OF_A_SIZE)
        if whole
        else (default / _TIMES, default * _TIMES)
    )
    return Range(low=max(low, least), high=min(high, most), log=True)


def _bounds(field: FieldInfo) -> tuple[float, float]:
    """The bounds of a field, infinite where there are none; what must stay below a number stays well below it."""
    low, high = -math.inf, math.inf
    for one in field.metadata:
        low = max(low, getattr(one, "ge", -math.inf), getattr(one, "gt", -math.inf))
        high = min(high, getattr(one, "le", math.inf), 0.9 * getattr(one, "lt", math.inf))
    return low, high
