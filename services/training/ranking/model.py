"""What a ranking model is: an architecture that scores candidates, and settings.

Every architecture is inductive, as recall models are: it knows people by their history and their attributes, never by a row
of their own. How it is fitted is not its business: `listwise` and `labels` fit any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import Field
from torch import nn

from services.training.fitting import DescentConfig
from services.training.ranking.ranker import OBJECTIVES
from services.training.ranking.signals import MatchSignals
from shared.features import UserField


class RankerModelConfig(DescentConfig):
    """What every ranking model can be told; its own settings extend it and change the defaults."""

    epochs: int = Field(default=3, ge=1, description="Most passes over the examples.")
    patience: int = Field(default=2, ge=1, description="Epochs that validate no better before it stops.")
    learning_rate: float = Field(default=2e-3, gt=0, description="Peak of the learning-rate schedule.")
    weight_decay: float = Field(default=0.01, ge=0, description="Decoupled weight decay.")
    batch: int = Field(default=64, ge=1, description="Examples in a batch: lists, or labelled rows.")
    embedding_penalty: float = Field(
        default=0.0, ge=0, description="Added to the loss: this times half the sum of all squared embeddings."
    )
    shown_weight: float = Field(
        default=0.5, ge=0, description="Weight of the loss on lists that were shown, beside that on what followed."
    )


Config = TypeVar("Config", bound=RankerModelConfig)
Config_contra = TypeVar("Config_contra", bound=RankerModelConfig, contravariant=True)


@dataclass(frozen=True, slots=True, eq=False)
class RankerShape:
    """What an architecture must know of the data before any of it is seen.

    Attributes:
        items: Rows of the catalogue.
        user_fields: What the user features are made of; `shared.features` lays them out.
        item_features: Names of the columns of the item features; `category=Drama` and `category=War` are of one field.
        objectives: What the scores mean, one for each column of them; the first decides the order.
        signals: What fitted recall models say of candidates; None where none is fitted, and then `signals` cannot be built.
    """

    items: int
    user_fields: tuple[UserField, ...]
    item_features: tuple[str, ...]
    objectives: tuple[str, ...] = OBJECTIVES
    signals: MatchSignals | None = None

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


@dataclass(frozen=True, slots=True)
class RankerFamily(Generic[Config]):
    """A kind of ranking model, as the registry lists it.

    Attributes:
        name: As configurations and commands call it: lower case, digits and underscores.
        summary: What it is, in a line, with its source.
        config: Its settings; without arguments, the defaults.
        build: Makes it.
    """

    name: str
    summary: str
    config: type[Config]
    build: BuildRanker[Config]
