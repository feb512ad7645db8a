"""What a search makes large: how well a recall model finds, on validation, what people take next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from services.training.config import TrainingConfig
from services.training.datasets import Dataset
from services.training.holdout import Holdout
from services.training.models import fit_features
from services.training.placement import Placement
from services.training.progress import ProgressDisplay
from services.training.recall.judging import validation_ndcg
from services.training.recall.model import FitContext, RecallData, RecallFamily
from services.training.runs.digests import settings_digest
from services.training.runs.run import open_run


@dataclass(frozen=True, slots=True, eq=False)
class ValidationNdcg:
    """Fits a model with settings; its value is NDCG@10 on validation queries. The test events are never looked at.

    Attributes:
        family: The model.
        data: Has the validation queries, and nothing of what is held out for the test.
        fixed: Settings that are not searched.
        config: Seed, threads and the longest history.
        folder: A folder in it for each fit, from whose checkpoints a killed one is gone on with.
        digest: Of the data.
        display: Follows the fits.
        say: Tells that a fit is resumed.
    """

    family: RecallFamily[Any]
    data: RecallData
    fixed: Mapping[str, Any]
    config: TrainingConfig
    folder: Path
    digest: str
    display: ProgressDisplay
    say: Callable[[str], None]

    def __call__(self, settings: Mapping[str, Any]) -> float:
        """Returns NDCG@10.

        Raises:
            pydantic.ValidationError: settings do not go together.
            Unsuitable: the model cannot be fitted to such data.
            DeviceMissing: the configuration asks for a GPU that is not there.
        """
        chosen = self.family.config.model_validate({**self.fixed, **settings})
        digest = settings_digest(chosen, self.config.seed, self.config.max_history, self.digest)
        with open_run(self.folder / digest[:12], digest, say=self.say) as run:
            length = self.config.max_history
            placement = Placement.choose(self.config.device, self.config.precision)
            context = FitContext(self.config.seed, length, torch.get_num_threads(), self.display, run, placement)
            model = self.family.fit(self.data, chosen, context)
            data = self.data
            ndcg = validation_ndcg(model.encoder, model.item_vectors, data.validation, data.user_features, length)
            run.forget_checkpoints()
        return ndcg


def recall_data(dataset: Dataset, config: TrainingConfig) -> RecallData:
    """Returns what the recall models of a training job learn from.

    Raises:
        DatasetError: no user has enough events.
    """
    holdout = Holdout.of(dataset.histories(), config.ranker.reserved)
    features = fit_features(dataset, holdout, config)
    validation = holdout.validation.sample(config.validation_queries, config.seed)
    return RecallData(tuple(dataset.items), features.items.matrix, holdout.fit, features.users, validation)
