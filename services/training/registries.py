"""Every kind of model that training knows, for those that list them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from services.training.recall.model import ModelConfig
from services.training.recall.registry import RECALL_MODELS


class Family(Protocol):
    """What the entries of all registries have in common."""

    @property
    def name(self) -> str:
        """As configurations and commands call it."""

    @property
    def summary(self) -> str:
        """What it is, in a line, with its source."""

    @property
    def config(self) -> type[ModelConfig]:
        """Its settings; without arguments, the defaults."""


#: By what a model is for; `winnow models` shows what is here.
REGISTRIES: Mapping[str, Mapping[str, Family]] = {"recall": RECALL_MODELS}
