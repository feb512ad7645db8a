"""Everything that a training job fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from services.training.config import TrainingConfig
from services.training.datasets import Dataset, Item, Sequences
from services.training.feature_values import feature_values
from services.training.holdout import Holdout
from services.training.item_features import ItemFeatures, build_item_features
from services.training.merge_weights import MergeFit
from services.training.optimisation import Epoch
from services.training.popularity import recent_popularity
from services.training.ranking.feature_tables import FeatureTables
from services.training.ranking.model import FittedRanker, RankerShape
from services.training.ranking.signals import HalfLives, MatchSignals
from services.training.ranking.spaces import ItemSpaces, contents, directions
from services.training.recall_models import RecallModels
from services.training.user_fields import fit_user_fields, user_feature_matrix
from shared.feature_views import FeatureView, digest
from shared.features import UserField
from shared.snapshot.manifest import FeatureSchema


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
class FittedModels:
    """Everything that a snapshot is made of.

    Attributes:
        features: Of users and items.
        recall: The channels.
        merge: How their candidates become one list.
        ranker: In evaluation mode, and how its fit went.
    """

    features: Features
    recall: RecallModels
    merge: MergeFit
    ranker: FittedRanker

    def epochs(self) -> dict[str, tuple[Epoch, ...]]:
        """Returns what every epoch gave, by channel, and of the ranker; without what is not fitted in epochs."""
        fitted = {channel: model.epochs for channel, model in self.recall.channels.items() if model.epochs}
        return fitted | ({"ranker": self.ranker.epochs} if self.ranker.epochs else {})


def fit_features(dataset: Dataset, holdout: Holdout, config: TrainingConfig) -> Features:
    """Computes the features that the data set's views declare, from the events in `holdout.fit` alone.

    Raises:
        DatasetError: a field is counted, and the data set has no times.
    """
    return features_from(dataset, holdout.fit, config)


def features_from(dataset: Dataset, events: Sequences, config: TrainingConfig) -> Features:
    """Computes the features that the data set's views declare, from these events alone.

    Raises:
        DatasetError: a field is counted, and the data set has no times.
    """
    half_life = config.popularity.half_life_days if dataset.interactions.timed else None
    popularity = recent_popularity(events, len(dataset.items), half_life)
    views = dataset.views()
    users = feature_values(dataset, views, events, "user")
    items = feature_values(dataset, views, events, "item")
    fields = fit_user_fields(users, views)
    return Features(
        popularity=popularity,
        items=build_item_features(dataset.items, items, popularity, views),
        user_fields=fields,
        users=user_feature_matrix(users, fields),
        views=views,
    )


def ranker_shape(
    items: tuple[Item, ...], features: Features, recall: RecallModels, config: TrainingConfig
) -> RankerShape:
    """Returns what a ranking model must know of the data, and of the fitted recall models."""
    collaborative, content = recall.collaborative(config), recall.content(config)
    spaces = ItemSpaces(
        collaborative=torch.as_tensor(collaborative.item_vectors),
        content=contents(content.item_vectors if content else None, len(features.popularity)),
        transition_source=torch.as_tensor(recall.transitions.source),
        transition_target=torch.as_tensor(recall.transitions.target),
        features=torch.as_tensor(features.items.matrix),
        directions=directions(collaborative.item_vectors, config.ranker.max_dimension, config.seed),
    )
    half_lives = HalfLives(config.ranker.half_life, config.transitions.half_life)
    return RankerShape(
        items=len(features.popularity),
        user_fields=features.user_fields,
        item_features=features.items.names,
        objectives=config.ranker.objectives,
        signals=MatchSignals(collaborative.encoder, spaces, half_lives),
        items_described=items,
    )
