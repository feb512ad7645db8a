"""What every process of a training job learns from and judges by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from services.training.config import TrainingConfig
from services.training.datasets import Dataset
from services.training.holdout import Holdout
from services.training.offline.traffic import Traffic
from services.training.ranking.objectives import ObjectiveLabels
from services.training.ranking.shown import ShownLists


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """A data set as a job cuts and labels it: the same in every process that does so.

    Attributes:
        dataset: Items and users.
        holdout: Its events, cut.
        labels: Of the ranker's objectives beside the first.
        traffic: What came of real answers; None where there were none.
        shown: The lists among them that the ranker learns from.
    """

    dataset: Dataset
    holdout: Holdout
    labels: ObjectiveLabels
    traffic: Traffic | None = None
    shown: ShownLists | None = None

    @classmethod
    def of(cls, config: TrainingConfig, dataset: Dataset, traffic: Traffic | None = None) -> Self:
        """Cuts and labels a data set.

        Raises:
            DatasetError: no user has enough events.
            Unsuitable: of one of the objectives the data set has nothing to learn.
        """
        holdout = Holdout.of(dataset.histories(), config.ranker.reserved)
        return cls(
            dataset,
            holdout,
            ObjectiveLabels.of(dataset, config.ranker.objectives),
            traffic,
            traffic.lists(dataset, holdout, config.ranker, config.max_history) if traffic else None,
        )

    def sizes(self) -> dict[str, int]:
        """Returns how much there is of everything, by what reports call it."""
        sizes = {
            "items": len(self.dataset.items),
            "users": len(self.dataset.users),
            "interactions": len(self.dataset.interactions),
            **self.holdout.sizes(),
        }
        if self.traffic is None:
            return sizes
        shown = len(self.shown) if self.shown else 0
        return {**sizes, **self.traffic.sizes, "shown lists to fit the ranker": shown}
