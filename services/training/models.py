"""Everything that a training job fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from services.training.config import TrainingConfig
from services.training.content.bag_of_words import fit_content
from services.training.content.encoder import ContentEncoder
from services.training.datasets import Dataset
from services.training.feature_values import feature_values
from services.training.holdout import Holdout
from services.training.item_features import ItemFeatures, build_item_features
from services.training.optimisation import Epoch
from services.training.popularity import recent_popularity
from services.training.progress import ProgressDisplay
from services.training.ranking.fitting import RankerFit
from services.training.ranking.prepared import FeatureTables
from services.training.ranking.ranker import Ranker
from services.training.ranking.signals import HalfLives, ItemSpaces, MatchSignals
from services.training.runs.run import Run
from services.training.sequence.fitting import SequenceFit, fit_sequence_encoder
from services.training.transitions import TransitionVectors, fit_transition_vectors
from services.training.user_fields import fit_user_fields, user_feature_matrix
from shared.feature_views import FeatureView, digest
from shared.features import UserField
from shared.snapshot.manifest import FeatureSchema
from shared.word_projection import WordProjection


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The features of items and users, and how they came about.

    Attributes:
        popularity: float32 [items], recent interactions.
        items: The item feature matrix.
        user_fields: How a user's attributes become features.
        users: float32 [users, user features].
        views: The declaration that all but the popularity follows from.
    """

    popularity: npt.NDArray[np.float32]
    items: ItemFeatures
    user_fields: tuple[UserField, ...]
    users: npt.NDArray[np.float32]
    views: tuple[FeatureView, ...] = ()

    def schema(self) -> FeatureSchema:
        """Returns what the manifest says of the features."""
        ttl_seconds = self.items.ttl_seconds if any(self.items.ttl_seconds) else ()
        return FeatureSchema(self.user_fields, self.items.names, ttl_seconds, self.views, digest(self.views))

    def tables(self) -> FeatureTables:
        """Returns both matrices as tensors."""
        return FeatureTables(torch.as_tensor(self.users), torch.as_tensor(self.items.matrix))


@dataclass(frozen=True, slots=True, eq=False)
class RecallModels:
    """The fitted channels and the transition model beside them.

    Attributes:
        sequence: The sequence encoder and how its fit went.
        content: The content encoder; it holds the content vectors.
        projection: How words become such vectors; None where no item has a word.
        transitions: Which items follow which.
    """

    sequence: SequenceFit
    content: ContentEncoder
    projection: WordProjection | None
    transitions: TransitionVectors

    def item_vectors(self) -> dict[str, npt.NDArray[np.float32]]:
        """Returns the item vectors of each vector channel: float32 [items, dimension]."""
        return {
            "collaborative": self.sequence.encoder.item_embedding.weight.detach().numpy(),
            "content": self.content.vectors.numpy(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class FittedModels:
    """Everything that a snapshot is made of.

    Attributes:
        features: Of users and items.
        recall: The channels.
        ranker: In evaluation mode.
        ranker_fit: How the ranker's fit went.
    """

    features: Features
    recall: RecallModels
    ranker: Ranker
    ranker_fit: RankerFit

    def encoders(self) -> dict[str, nn.Module]:
        """Returns the encoder of each vector channel."""
        return {"collaborative": self.recall.sequence.encoder, "content": self.recall.content}

    def epochs(self) -> dict[str, tuple[Epoch, ...]]:
        """Returns what every epoch gave, by model."""
        return {"sequence": self.recall.sequence.epochs, "ranker": self.ranker_fit.epochs}


def fit_features(dataset: Dataset, holdout: Holdout, config: TrainingConfig) -> Features:
    """Computes the features that the data set's views declare, from the events in `holdout.fit` alone.

    Raises:
        DatasetError: a field is counted, and the data set has no times.
    """
    half_life = config.popularity.half_life_days if dataset.interactions.timed else None
    popularity = recent_popularity(holdout.fit, len(dataset.items), half_life)
    views = dataset.views()
    users = feature_values(dataset, views, holdout.fit, "user")
    items = feature_values(dataset, views, holdout.fit, "item")
    fields = fit_user_fields(users, views)
    return Features(
        popularity=popularity,
        items=build_item_features(dataset.items, items, popularity, views),
        user_fields=fields,
        users=user_feature_matrix(users, fields),
        views=views,
    )


def fit_recall(
    dataset: Dataset, holdout: Holdout, config: TrainingConfig, display: ProgressDisplay, run: Run | None = None
) -> RecallModels:
    """Fits the channels on the events in `holdout.fit` alone; with a run, from its checkpoints where there are some."""
    items = len(dataset.items)
    with display.stage("fit content and transitions", 2) as advance:
        content = fit_content(dataset.items, config.content, config.seed)
        advance("")
        transitions = fit_transition_vectors(holdout.fit, items, config.transitions, config.seed)
        advance("")
    return RecallModels(
        sequence=fit_sequence_encoder(
            holdout.fit, holdout.validation, items, config=config.sequence, seed=config.seed, display=display, run=run
        ),
        content=ContentEncoder(torch.as_tensor(content.vectors), config.content.half_life).eval(),
        projection=content.projection,
        transitions=transitions,
    )


def build_ranker(features: Features, recall: RecallModels, config: TrainingConfig) -> Ranker:
    """Returns a ranker around the fitted recall models, itself not fitted yet."""
    torch.manual_seed(config.seed)
    spaces = ItemSpaces(
        content=recall.content.vectors,
        transition_source=torch.as_tensor(recall.transitions.source),
        transition_target=torch.as_tensor(recall.transitions.target),
        features=torch.as_tensor(features.items.matrix),
    )
    half_lives = HalfLives(config.content.half_life, config.transitions.half_life)
    return Ranker(
        MatchSignals(recall.sequence.encoder, spaces, half_lives),
        item_features=features.items.matrix.shape[1],
        user_features=features.users.shape[1],
        hidden=config.ranker.hidden,
        dropout=config.ranker.dropout,
    )
