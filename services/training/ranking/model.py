"""What a ranking model is: an architecture that scores candidates, and settings.

Every architecture is inductive, as recall models are: it knows people by their history and their attributes, never by a row
of their own. How it is fitted is not its business: `listwise` and `labels` fit any that is made of parameters; what is not
brings a `fit` of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt
from pydantic import Field
from torch import Tensor, nn

from services.training.datasets import Item
from services.training.fitting import DescentConfig
from services.training.optimisation import Epoch
from services.training.ranking.examples import RankingExamples
from services.training.ranking.feature_tables import FeatureTables
from services.training.ranking.missing_ids import WithheldIds, knows_ids
from services.training.ranking.ranker import OBJECTIVES
from services.training.ranking.shown import ShownLists
from services.training.ranking.signals import MatchSignals
from services.training.recall.model import FitContext, ModelConfig, Unsuitable
from services.training.recall_lists import ListedQueries
from shared.features import UserField


class RankerModelConfig(DescentConfig):
    """What every ranking model that descends a gradient can be told; its own settings extend it and change the defaults."""

    epochs: int = Field(default=3, ge=1, description="Most passes over the examples.")
    patience: int = Field(default=2, ge=1, description="Epochs that validate no better before it stops.")
    learning_rate: float = Field(default=2e-3, gt=0, description="Peak of the learning-rate schedule.")
    weight_decay: float = Field(default=0.01, ge=0, description="Decoupled weight decay.")
    batch: int = Field(default=64, ge=1, description="Examples in a batch: lists, or labelled rows.")
    embedding_penalty: float = Field(
        default=0.0, ge=0, description="Added to the loss: this times half the sum of all squared embeddings."
    )
    id_dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of the candidates whose id is withheld while fitting: features must do.",
    )


Config = TypeVar("Config", bound=ModelConfig)
Config_contra = TypeVar("Config_contra", bound=ModelConfig, contravariant=True)


@dataclass(frozen=True, slots=True, eq=False)
class RankerShape:
    """What an architecture must know of the data before any of it is seen.

    Attributes:
        items: Rows of the catalogue.
        user_fields: What the user features are made of; `shared.features` lays them out.
        item_features: Names of the columns of the item features; `category=Drama` and `category=War` are of one field.
        objectives: What the scores mean, one for each column of them; the first decides the order.
        signals: What fitted recall models say of candidates; None where none is fitted, and then `signals` cannot be built.
        items_described: The catalogue in the order of its rows; empty where nothing is known of the items, and then
            `text_cnn` cannot be built.
    """

    items: int
    user_fields: tuple[UserField, ...]
    item_features: tuple[str, ...]
    objectives: tuple[str, ...] = OBJECTIVES
    signals: MatchSignals | None = None
    items_described: tuple[Item, ...] = ()

    @property
    def user_features(self) -> int:
        """How many user features there are."""
        return 1 + sum(field.width for field in self.user_fields)


class BuildRanker(Protocol[Config_contra]):
    """Makes a ranking model that is not fitted yet."""

    def __call__(self, shape: RankerShape, config: Config_contra) -> nn.Module:
        """Makes the model, of random parameters; seed torch before.

        Its `forward(history, user_features, candidates, candidate_features, candidate_query)` takes

        - history: int64 [queries, length], oldest first, padded on the left with -1;
        - user_features: float32 [queries, user features], zeros for somebody unknown, or the same as `UserSlots`, which
          only fitting uses;
        - candidates: int64 [n] item rows;
        - candidate_features: float32 [n, item features];
        - candidate_query: int64 [n], the query that each candidate is for,

        and gives float32 [n, objectives], higher is better, finite for every history, an empty one too. In evaluation mode a
        candidate's score depends on its own query and itself alone. It must export to ONNX (`services.training.export`).

        Raises:
            Unsuitable: the data lack what the model needs.
        """


@runtime_checkable
class Stepwise(Protocol):
    """A ranking model whose scores jump where a number that it compares passes a threshold."""

    def steady(
        self,
        history: Tensor,
        user_features: Tensor,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Says which scores no processor's rounding changes: bool [n]; `BuildRanker` has the shapes."""


@dataclass(frozen=True, slots=True, eq=False)
class RankingData:
    """What a ranking model may learn from.

    Attributes:
        shape: Of all the rest.
        examples: What followed, among other candidates of recall.
        validation: Decides when to stop; nothing else is learned from it.
        tables: Features by row.
        shown: What came of lists that were shown; None where none were.
        shown_weight: Weight of the loss on them, beside that on what followed.
        labels: float32 [examples, objectives but the first], whether each objective is true of what followed; None where
            there is one objective.
        label_weight: Weight of the loss on them.
        begin_with_recall: Whether a model that does not look at recall's signals is fitted `OnRecall`.
    """

    shape: RankerShape
    examples: RankingExamples
    validation: ListedQueries
    tables: FeatureTables
    shown: ShownLists | None = None
    shown_weight: float = 0.5
    labels: npt.NDArray[np.float32] | None = None
    label_weight: float = 0.5
    begin_with_recall: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FittedRanker:
    """A fitted ranking model.

    Attributes:
        model: In evaluation mode; `BuildRanker` says what it computes, and `export_ranker` exports it.
        objectives: What its scores mean, one for each column of them.
        epochs: What every epoch of the fit gave; empty for what is not fitted in epochs.
        importances: Which share of what was learned each named feature made, the largest first; empty for a model that does
            not know.
    """

    model: nn.Module
    objectives: tuple[str, ...]
    epochs: tuple[Epoch, ...] = ()
    importances: Mapping[str, float] = field(default_factory=dict)


class FitRanker(Protocol[Config_contra]):
    """Makes a ranking model and fits it."""

    def __call__(self, data: RankingData, config: Config_contra, context: FitContext) -> FittedRanker:
        """Fits; equal seeds, data and threads give equal models on one machine.

        Raises:
            Unsuitable: the data lack what the model needs.
        """


@dataclass(frozen=True, slots=True)
class RankerFamily(Generic[Config]):
    """A kind of ranking model, as the registry lists it.

    Attributes:
        name: As configurations and commands call it: lower case, digits and underscores.
        summary: What it is, in a line, with its source.
        config: Its settings; without arguments, the defaults.
        build: Makes it.
        fit: For what is not fitted by gradient descent; None takes `listwise`, and `config` is a `RankerModelConfig` then.
        several_objectives: Whether it can have more than one.
    """

    name: str
    summary: str
    config: type[Config]
    build: BuildRanker[Config]
    fit: FitRanker[Config] | None = None
    several_objectives: bool = True

    def make(self, shape: RankerShape, config: Config) -> nn.Module:
        """Makes a model that is not fitted yet, one that can do without ids where the settings ask for it.

        Raises:
            Unsuitable: the data lack what the model needs, or it has no ids to be withheld.
        """
        model = self.build(shape, config)
        if not (isinstance(config, RankerModelConfig) and config.id_dropout):
            return model
        if not knows_ids(model):
            raise Unsuitable(f"{self.name} has no ids of items that could be withheld; leave id_dropout out")
        return WithheldIds(model, config.id_dropout)
