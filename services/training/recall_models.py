"""The recall channels, fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.config import TrainingConfig
from services.training.datasets import Dataset
from services.training.holdout import Holdout
from services.training.recall.model import FitContext, RecallData, RecallModel
from services.training.transitions import TransitionVectors, fit_transition_vectors


@dataclass(frozen=True, slots=True, eq=False)
class RecallModels:
    """The fitted channels and the transition model beside them.

    Attributes:
        channels: The model of each channel of vectors, by the channel's name, in the configuration's order.
        transitions: Which items follow which.
    """

    channels: dict[str, RecallModel]
    transitions: TransitionVectors

    def collaborative(self, config: TrainingConfig) -> RecallModel:
        """Returns the model whose scores the ranker begins with."""
        return self.channels[config.ranker.collaborative or next(iter(self.channels))]

    def content(self, config: TrainingConfig) -> RecallModel | None:
        """Returns the model in whose space the ranker compares contents; None where no channel is made of contents."""
        made_of_contents = [
            name for name, channel in config.vector_channels().items() if channel.family and channel.family.content
        ]
        chosen = config.ranker.content or next(iter(made_of_contents), None)
        return self.channels[chosen] if chosen else None


def fit_recall(
    dataset: Dataset,
    holdout: Holdout,
    item_features: npt.NDArray[np.float32],
    user_features: npt.NDArray[np.float32],
    *,
    config: TrainingConfig,
    context: FitContext,
) -> RecallModels:
    """Fits the channels on the events in `holdout.fit` alone.

    Args:
        dataset: Items and users.
        holdout: Its parts.
        item_features: float32 [items, item features].
        user_features: float32 [users, user features].
        config: Of the job.
        context: The circumstances of the fits.

    Raises:
        Unsuitable: a model cannot be fitted to such data.
    """
    data = RecallData(
        items=tuple(dataset.items),
        item_features=item_features,
        events=holdout.fit,
        user_features=user_features,
        validation=holdout.validation.sample(config.validation_queries, config.seed),
    )
    with context.display.stage("fit transitions", 1) as advance:
        transitions = fit_transition_vectors(holdout.fit, len(dataset.items), config.transitions, config.seed)
        advance("")
    fitted = {
        name: channel.family.fit(data, channel.configuration(), context)
        for name, channel in config.vector_channels().items()
        if channel.family
    }
    return RecallModels(fitted, transitions)
