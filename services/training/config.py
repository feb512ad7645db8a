"""What can be chosen about a training job; every choice has a default that suits a small catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.training.channels import ChannelConfig, ChannelName, with_models
from services.training.devices import DeviceChoice, PrecisionChoice
from services.training.placement import ON_CPU, Placement
from services.training.progress import ProgressDisplay
from services.training.ranker_config import RankerConfig
from services.training.recall.model import FitContext
from services.training.runs.record import read_settings
from services.training.runs.run import Run


class _Section(BaseModel):
    # A misspelt knob must not be ignored, and a run's configuration must not change under it.
    model_config = ConfigDict(frozen=True, extra="forbid")


class TransitionConfig(_Section):
    """Which items follow which, a signal for the ranker."""

    dimension: int = Field(default=64, ge=1, description="Most dimensions kept by the singular value decomposition.")
    window: int = Field(default=5, ge=1, description="How many items ahead still count as following.")
    half_life: float = Field(default=3.0, gt=0, description="Items after which an item counts half.")


class PopularityConfig(_Section):
    """How past interactions count."""

    half_life_days: float = Field(default=30.0, gt=0, description="Days after which an event counts half.")


class IndexConfig(_Section):
    """The Annoy indexes: how much of exact search they may lose, and for how many neighbours."""

    neighbours: int = Field(default=200, ge=1, description="Length of the lists that are compared with exact search.")
    max_loss: float = Field(default=0.02, gt=0, lt=1, description="Share of exact search's list that may be lost.")
    queries: int = Field(default=500, ge=1, description="Most real queries to measure the loss with.")
    trees: int = Field(default=20, ge=1, description="Trees of an index; they take memory.")


class VariantConfig(_Section):
    """The ranker in lower precisions: which, and what they may cost against the full precision to be kept."""

    precisions: tuple[Literal["fp16", "int8"], ...] = Field(
        default=("fp16", "int8"), description="That are made and judged; none for the full precision alone."
    )
    max_ndcg_loss: float = Field(default=0.001, ge=0, lt=1, description="Share of NDCG@10 that may be lost.")
    min_spearman: float = Field(default=0.99, le=1, description="Least mean rank correlation of the scores.")
    min_overlap: float = Field(default=0.95, ge=0, le=1, description="Least mean share of the first ten in common.")
    queries: int = Field(default=3000, ge=1, description="Most validation queries to judge with.")


class MergeConfig(_Section):
    """How the channels' candidates become one list."""

    learn: bool = Field(
        default=True,
        description="Whether to choose the quotas that find most on validation, beginning with those given.",
    )
    queries: int = Field(default=2000, ge=1, description="Most validation queries to choose the quotas with.")
    min_share: float = Field(
        default=0.02, gt=0, le=0.03, description="Least share of a channel: none is learned away altogether."
    )
    min_gain: float = Field(
        default=0.001, ge=0, lt=1, description="Share of the queries that must be found more for the quotas to change."
    )


def _default_channels() -> dict[str, ChannelConfig]:
    return {
        "collaborative": ChannelConfig(model="sasrec", quota=0.7),
        "content": ChannelConfig(model="bag_of_words", quota=0.15),
        "popularity": ChannelConfig(model="popularity", quota=0.15),
    }


class TrainingConfig(_Section):
    """A training job.

    Equal configurations, data sets and thread counts give equal models on one machine.
    """

    seed: int = Field(default=0, ge=0, description="Of every random choice.")
    threads: int = Field(default=0, ge=0, description="Threads for the arithmetic; 0 takes the CPU quota.")
    device: DeviceChoice = Field(
        default="auto", description="What models descend on; auto takes a GPU where there is one, else the CPU."
    )
    precision: PrecisionChoice = Field(
        default="auto",
        description="Of products while models descend; auto takes bfloat16 on a GPU that has it, float16 on others, and "
        "float32 on the CPU.",
    )
    candidates: int = Field(default=500, ge=10, description="That recall hands to the ranker.")
    max_history: int = Field(default=50, ge=1, description="Most recent items of a history that the models look at.")
    validation_queries: int = Field(
        default=2000, ge=1, description="Most validation queries that a recall model is judged with after an epoch."
    )
    channels: Annotated[dict[ChannelName, ChannelConfig], BeforeValidator(with_models)] = Field(
        default_factory=_default_channels,
        min_length=1,
        max_length=32,
        description="The recall channels; a file that names one names them all.",
    )
    merge: MergeConfig = MergeConfig()
    transitions: TransitionConfig = TransitionConfig()
    popularity: PopularityConfig = PopularityConfig()
    ranker: RankerConfig = RankerConfig()
    index: IndexConfig = IndexConfig()
    variants: VariantConfig = VariantConfig()

    @model_validator(mode="after")
    def _channels_are_enough(self) -> Self:
        if not self.vector_channels():
            raise ValueError(
                "channels: one of them must have a model besides popularity, or nothing is known to be alike"
            )
        for setting in ("collaborative", "content"):
            channel = getattr(self.ranker, setting)
            if channel and channel not in self.vector_channels():
                raise ValueError(f"ranker.{setting}: there is no channel {channel} of vectors")
        return self

    def quotas(self) -> dict[str, float]:
        """Returns the configured quota of each channel, in order."""
        return {name: channel.quota for name, channel in self.channels.items()}

    def vector_channels(self) -> dict[str, ChannelConfig]:
        """Returns the channels that are searched by vectors, in order."""
        return {name: channel for name, channel in self.channels.items() if channel.family}

    def with_recall(self, model: str) -> Self:
        """Returns a configuration in which the first channel of vectors has another model, with its default settings.

        Raises:
            pydantic.ValidationError: there is no such model.
        """
        first = self.channels[next(iter(self.vector_channels()))]
        return self.with_model(model, first.settings if first.model == model else {})

    def with_model(self, model: str, settings: Mapping[str, Any]) -> Self:
        """Returns a configuration in which the first channel of vectors has another model, with these settings.

        Raises:
            pydantic.ValidationError: there is no such model, or it has no such settings.
        """
        chosen = self.model_dump()
        chosen["channels"][next(iter(self.vector_channels()))].update(model=model, settings=dict(settings))
        return self.model_validate(chosen)

    def with_ranker(self, model: str, settings: Mapping[str, Any] | None = None) -> Self:
        """Returns a configuration with another ranking model.

        Args:
            model: Its name.
            settings: Its own; by default those that it has here, or its defaults where there is another model here.

        Raises:
            pydantic.ValidationError: there is no such model, or it has no such settings.
        """
        kept = self.ranker.settings if self.ranker.model == model else {}
        chosen = self.model_dump()
        chosen["ranker"].update(model=model, settings=dict(kept if settings is None else settings))
        return self.model_validate(chosen)

    def with_epochs(self, epochs: int) -> Self:
        """Returns a configuration in which the model of the first channel of vectors goes over the data so often at most.

        Raises:
            pydantic.ValidationError: that model has no epochs.
        """
        chosen = self.model_dump()
        first = chosen["channels"][next(iter(self.vector_channels()))]
        first["settings"] = {**first["settings"], "epochs": epochs}
        return self.model_validate(chosen)

    def context(self, display: ProgressDisplay, run: Run | None = None, placement: Placement = ON_CPU) -> FitContext:
        """Returns the circumstances of a fit.

        Args:
            display: Follows it.
            run: Where to keep checkpoints, and to resume from; None keeps none.
            placement: Where to compute.
        """
        threads = self.threads or torch.get_num_threads()
        return FitContext(self.seed, self.max_history, threads, display, run, placement)

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Reads a configuration whose tables are the sections, or a run.toml; what it leaves out keeps its default.

        Raises:
            OSError: the file cannot be read.
            tomllib.TOMLDecodeError: it is not TOML.
            pydantic.ValidationError: a name is unknown or a value out of range.
        """
        return cls.model_validate(read_settings(path))

    def effective(self) -> dict[str, Any]:
        """Returns every choice as tables, of the models those too that were left to their defaults."""
        chosen = self.model_dump(mode="json")
        for name, channel in self.channels.items():
            chosen["channels"][name]["settings"] = channel.configuration().model_dump(mode="json")
        chosen["ranker"]["settings"] = self.ranker.configuration().model_dump(mode="json")
        return chosen

    def flat(self) -> dict[str, str | int | float | bool]:
        """Returns every choice by its dotted name, such as `ranker.negatives`; what is no scalar as text.

        Of the models, the settings that were left to their defaults too.
        """
        return dict(_scalars(self.effective()))


def _scalars(chosen: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str | int | float | bool]]:
    for name, value in chosen.items():
        if isinstance(value, Mapping):
            yield from _scalars(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, (str, int, float, bool)) else str(value)
