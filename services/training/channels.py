"""What can be chosen about the recall channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.training.model_settings import configured, known_model
from services.training.recall.model import ModelConfig, RecallFamily
from services.training.recall.registry import RECALL_MODELS

#: The model of a channel that gives everybody what is popular, and has nothing to fit.
POPULARITY = "popularity"

#: Channels are folders of the snapshot, labels of metrics and words of answers.
ChannelName = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_-]{0,31}$")]


class ChannelConfig(BaseModel):
    """A recall channel: which model finds its candidates, and how many of them are taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(
        description="A recall model (`winnow models list`), or popularity; the channel's name by default."
    )
    quota: float = Field(
        default=1.0,
        gt=0,
        allow_inf_nan=False,
        description="Share of the candidates that it may contribute, relative to the others'.",
    )
    settings: Mapping[str, Any] = Field(default={}, description="The model's own settings (`winnow models show`).")

    @model_validator(mode="after")
    def _settings_are_the_model_s(self) -> Self:
        self.configuration()
        return self

    @property
    def family(self) -> RecallFamily[Any] | None:
        """The kind of model; None for what is popular."""
        return None if self.model == POPULARITY else RECALL_MODELS[self.model]

    def configuration(self) -> ModelConfig:
        """Returns the settings with the defaults of those that were not chosen.

        Raises:
            ValueError: there is no such model, or it has no such setting, or a value is out of its range.
        """
        known_model(self.model, RECALL_MODELS, POPULARITY)
        kind: type[ModelConfig] = self.family.config if self.family else ModelConfig
        return configured(self.model, kind, self.settings)


def with_models(channels: object) -> object:
    """Gives each table that names no model the model that is called as the channel is."""
    if not isinstance(channels, Mapping):
        return channels
    return {
        name: {"model": name, **channel} if isinstance(channel, Mapping) else channel
        for name, channel in channels.items()
    }
