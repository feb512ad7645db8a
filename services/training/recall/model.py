"""What a recall model is given to learn from, and what it gives back.

Every recall model is inductive: it knows people by what they did and by their attributes, never by a row of their own. So
somebody new, and everybody's newest event, needs no training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from torch import nn

from services.training.datasets import Item, Sequences
from services.training.optimisation import Epoch
from services.training.placement import ON_CPU, Placement
from services.training.progress import ProgressDisplay
from services.training.queries import NextItemQueries
from services.training.runs.run import Run
from shared.word_projection import WordProjection


class ModelConfig(BaseModel):
    """The settings of a model; every one has a default and a description."""

    # A misspelt setting must not be ignored, and a run's configuration must not change under it.
    model_config = ConfigDict(frozen=True, extra="forbid")


Config = TypeVar("Config", bound=ModelConfig)
Config_contra = TypeVar("Config_contra", bound=ModelConfig, contravariant=True)


@dataclass(frozen=True, slots=True, eq=False)
class RecallData:
    """What a recall model may learn from. A row is a place in `items`, or a user's place in `events`.

    Attributes:
        items: Titles, categories, texts and attributes.
        item_features: float32 [items, item features], normalised.
        events: What people did, in time order.
        user_features: float32 [users, user features], normalised.
        validation: What decides when to stop; nothing else is learned from it.
    """

    items: tuple[Item, ...]
    item_features: npt.NDArray[np.float32]
    events: Sequences
    user_features: npt.NDArray[np.float32]
    validation: NextItemQueries


@dataclass(frozen=True, slots=True)
class FitContext:
    """The circumstances of a fit.

    Attributes:
        seed: Of every random choice: equal seeds and data give equal models on one machine.
        max_history: The longest history, in items, that the encoder will be asked about.
        threads: For arithmetic.
        display: Follows the fit: a stage for each long part, a step for each batch or the like.
        run: Where `fit_epochs` keeps checkpoints to resume from; None keeps none.
        placement: Where `fit_epochs` computes. What it has to do with is in the batches, or parameters and buffers of the
            model; other tensors of a loss are put on `placement.device` by who makes them.
    """

    seed: int
    max_history: int
    threads: int
    display: ProgressDisplay
    run: Run | None = None
    placement: Placement = ON_CPU


@dataclass(frozen=True, slots=True, eq=False)
class RecallModel:
    """A fitted recall model: how much somebody wants an item is the inner product of a query and the item's vector.

    Attributes:
        encoder: In evaluation mode, on the CPU. Its `forward(history, user_features)` takes int64 [queries, length] item
            rows, oldest first, padded on the left with -1, length from 1 to `max_history`, and float32 [queries, user
            features], zeros for somebody unknown; it gives float32 [queries, dimension], finite for every history, an
            empty one too. What it computes for a query depends on that query alone. It must export to ONNX
            (`services.training.export`).
        item_vectors: float32 [items, dimension], finite.
        epochs: What every epoch of the fit gave; empty for what is solved in closed form.
        projection: Gives an item's vector from its words, where words are all that it is made of: items can then join that
            were not trained with. None elsewhere.
    """

    encoder: nn.Module
    item_vectors: npt.NDArray[np.float32]
    epochs: tuple[Epoch, ...] = ()
    projection: WordProjection | None = None


class FitRecall(Protocol[Config_contra]):
    """Fits a recall model."""

    def __call__(self, data: RecallData, config: Config_contra, context: FitContext) -> RecallModel:
        """Learns from `data.events` and what describes items and users.

        Raises:
            Unsuitable: the model cannot be fitted to such data.
        """


@dataclass(frozen=True, slots=True)
class RecallFamily(Generic[Config]):
    """A kind of recall model, as the registry lists it.

    Attributes:
        name: As configurations and commands call it: lower case, digits and underscores.
        summary: What it is, in a line, with its source.
        config: Its settings; without arguments, the defaults.
        fit: Fits it.
        content: Whether an item's vector is made of what the item is (words, pictures), not of who met it: the ranker then
            takes it for the items' content.
    """

    name: str
    summary: str
    config: type[Config]
    fit: FitRecall[Config]
    content: bool = False


class Unsuitable(ValueError):
    """A model cannot be fitted to such data: the catalogue is too large for it, or what it learns from is missing."""
