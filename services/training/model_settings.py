"""A model's own settings, as a configuration names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from services.training.recall.model import ModelConfig

Config = TypeVar("Config", bound=ModelConfig)


class Family(Protocol):
    """What the entries of all registries of models have in common."""

    @property
    def name(self) -> str:
        """As configurations and commands call it."""

    @property
    def summary(self) -> str:
        """What it is, in a line, with its source."""

    @property
    def config(self) -> type[ModelConfig]:
        """Its settings; without arguments, the defaults."""


def known_model(model: str, registry: Mapping[str, object], *others: str) -> None:
    """Checks that there is such a model.

    Args:
        model: Its name.
        registry: Where it should be.
        others: What is allowed besides.

    Raises:
        ValueError: there is none, and here is what there is.
    """
    names = [*registry, *others]
    if model not in names:
        raise ValueError(f"there is no model {model}; there are {', '.join(names)}")


def configured(model: str, kind: type[Config], settings: Mapping[str, Any]) -> Config:
    """Returns the settings with the defaults of those that were not chosen.

    Args:
        model: What messages call it.
        kind: Of its settings.
        settings: The chosen ones, by name.

    Raises:
        ValueError: it has no such setting, or a value is out of its range.
    """
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        raise ValueError("; ".join(_problems(model, kind, error))) from error


def _problems(model: str, kind: type[ModelConfig], error: ValidationError) -> list[str]:
    problems = []
    for one in error.errors(include_url=False):
        setting = ".".join(str(part) for part in one["loc"])
        if one["type"] == "extra_forbidden":
            there_are = ", ".join(kind.model_fields) or "none"
            problems.append(f"{model} has no setting {setting}; its settings: {there_are}")
        else:
            problem = one["msg"].removeprefix("Value error, ")
            problems.append(f"{model}: {setting}: {problem}" if setting else f"{model}: {problem}")
    return problems
