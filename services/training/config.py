"""What can be chosen about a training job; every choice has a default that suits a small catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.training.runs.record import read_settings


class _Section(BaseModel):
    # A misspelt knob must not be ignored, and a run's configuration must not change under it.
    model_config = ConfigDict(frozen=True, extra="forbid")


class SequenceConfig(_Section):
    """The sequence encoder behind the collaborative channel."""

    dimension: int = Field(default=64, ge=4, description="Length of item and user vectors.")
    blocks: int = Field(default=2, ge=1, description="Self-attention blocks.")
    heads: int = Field(default=2, ge=1, description="Attention heads; must divide dimension.")
    feedforward: int = Field(default=128, ge=1, description="Width of the feed-forward layers.")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="Dropout on embeddings and on what each layer adds.")
    max_history: int = Field(default=50, ge=1, description="Most recent items the encoder looks at.")
    epochs: int = Field(default=0, ge=0, description="Most passes over the data; 0 takes 10, or 6 for little data.")
    patience: int = Field(default=3, ge=1, description="Epochs without a better NDCG@10 before it stops.")
    learning_rate: float = Field(default=3e-3, gt=0, description="Peak of the learning-rate schedule.")
    max_batch: int = Field(default=64, ge=1, description="Most windows in a batch; less data, smaller batches.")
    full_softmax_items: int = Field(
        default=20_000,
        ge=1,
        description="Largest catalogue that is trained with the full softmax rather than a sampled one.",
    )
    sampled_negatives: int = Field(default=2048, ge=1, description="Negatives that a batch shares if sampled.")
    validation_users: int = Field(default=2000, ge=1, description="Most users judged after an epoch.")

    @model_validator(mode="after")
    def _heads_divide_dimension(self) -> Self:
        if self.dimension % self.heads:
            raise ValueError(f"heads must divide dimension, but {self.heads} does not divide {self.dimension}")
        return self


class ContentConfig(_Section):
    """Bag-of-words vectors of the items and how a history becomes a query."""

    dimension: int = Field(default=128, ge=2, description="Most dimensions kept by the singular value decomposition.")
    max_terms: int = Field(default=20_000, ge=2, description="Most terms in the vocabulary.")
    half_life: float = Field(default=10.0, gt=0, description="Items after which an item counts half.")


class TransitionConfig(_Section):
    """Which items follow which, a signal for the ranker."""

    dimension: int = Field(default=64, ge=1, description="Most dimensions kept by the singular value decomposition.")
    window: int = Field(default=5, ge=1, description="How many items ahead still count as following.")
    half_life: float = Field(default=3.0, gt=0, description="Items after which an item counts half.")


class PopularityConfig(_Section):
    """How past interactions count."""

    half_life_days: float = Field(default=30.0, gt=0, description="Days after which an event counts half.")


class RankerConfig(_Section):
    """The ranker and the examples it learns from."""

    reserved: int = Field(
        default=3, ge=1, description="Last training events of each user that recall leaves to the ranker."
    )
    negatives: int = Field(default=96, ge=1, description="Negatives drawn from recall's candidates for each example.")
    hidden: tuple[int, ...] = Field(default=(128, 64), min_length=1, description="Widths of the hidden layers.")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Dropout after each hidden layer.")
    epochs: int = Field(default=3, ge=1, description="Most passes over the examples.")
    patience: int = Field(default=2, ge=1, description="Epochs without a better NDCG@10 before it stops.")
    learning_rate: float = Field(default=2e-3, gt=0, description="Peak of the learning-rate schedule.")
    weight_decay: float = Field(default=0.01, ge=0, description="Decoupled weight decay.")
    batch: int = Field(default=64, ge=1, description="Examples in a batch.")
    validation_users: int = Field(default=1000, ge=1, description="Most users judged after an epoch.")
    shown_weight: float = Field(
        default=0.5,
        ge=0,
        description="Weight of the loss on lists that were shown, beside that on what followed; 0: none.",
    )
    shown_min_lists: int = Field(
        default=200, ge=1, description="Fewer lists that were shown and acted upon are not used."
    )
    shown_max_weight: float = Field(
        default=10.0, ge=1, description="Largest weight that an improbable showing may have, one over its propensity."
    )


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


class QuotaConfig(_Section):
    """Shares of the candidates that each recall channel may contribute, relative to each other."""

    collaborative: float = Field(default=0.7, gt=0, description="Of the sequence model.")
    content: float = Field(default=0.15, gt=0, description="Of the words.")
    popularity: float = Field(default=0.15, gt=0, description="Of what is popular with everybody.")


class TrainingConfig(_Section):
    """A training job.

    Equal configurations, data sets and thread counts give equal models on one machine.
    """

    seed: int = Field(default=0, ge=0, description="Of every random choice.")
    threads: int = Field(default=0, ge=0, description="Threads for the arithmetic; 0 takes the CPU quota.")
    candidates: int = Field(default=500, ge=10, description="That recall hands to the ranker.")
    sequence: SequenceConfig = SequenceConfig()
    content: ContentConfig = ContentConfig()
    transitions: TransitionConfig = TransitionConfig()
    popularity: PopularityConfig = PopularityConfig()
    ranker: RankerConfig = RankerConfig()
    index: IndexConfig = IndexConfig()
    variants: VariantConfig = VariantConfig()
    quotas: QuotaConfig = QuotaConfig()

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Reads a configuration whose tables are the sections, or a run.toml; what it leaves out keeps its default.

        Raises:
            OSError: the file cannot be read.
            tomllib.TOMLDecodeError: it is not TOML.
            pydantic.ValidationError: a name is unknown or a value out of range.
        """
        return cls.model_validate(read_settings(path))

    def flat(self) -> dict[str, str | int | float | bool]:
        """Returns every choice by its dotted name, such as `sequence.dropout`; what is no scalar as text."""
        flat: dict[str, str | int | float | bool] = {}
        for name, value in self.model_dump().items():
            entries = (
                {f"{name}.{knob}": chosen for knob, chosen in value.items()}
                if isinstance(value, dict)
                else {name: value}
            )
            for dotted, chosen in entries.items():
                flat[dotted] = chosen if isinstance(chosen, (str, int, float, bool)) else str(chosen)
        return flat
