"""What a search makes large: how well a model finds or orders, on validation, what people take next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.training.config import TrainingConfig
from services.training.datasets import Dataset
from services.training.holdout import Holdout
from services.training.model_settings import Family
from services.training.models import fit_features
from services.training.placement import Placement
from services.training.progress import ProgressDisplay
from services.training.ranking.family import fit_ranker_family
from services.training.ranking.lists import lists_of, score_all
from services.training.ranking.model import RankerFamily
from services.training.recall.judging import validation_ndcg
from services.training.recall.model import FitContext, RecallData, RecallFamily
from services.training.recall_lists import ndcg_of_scores
from services.training.retrieval import fit_retrieval, ranking_data
from services.training.runs.digests import settings_digest
from services.training.runs.run import Run, open_run
from services.training.stopwatch import Stopwatch
from services.training.training_data import TrainingData

#: Fits a model with settings and returns its NDCG@10 on validation queries. The test events are never looked at.
Measure = Callable[[Any, FitContext], float]


@dataclass(frozen=True, slots=True, eq=False)
class ValidationNdcg:
    """Fits a model with settings; its value is NDCG@10 on validation queries.

    Attributes:
        family: The model.
        measure: Fits and judges it.
        fixed: Settings that are not searched.
        config: Seed, threads and the longest history.
        folder: A folder in it for each fit, from whose checkpoints a killed one is gone on with.
        digest: Of the data.
        display: Follows the fits.
        say: Tells that a fit is resumed.
    """

    family: Family
    measure: Measure
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
            placement = Placement.choose(self.config.device, self.config.precision)
            ndcg = self.measure(chosen, self.config.context(self.display, run, placement))
            run.forget_checkpoints()
        return ndcg


def recall_measure(family: RecallFamily[Any], dataset: Dataset, config: TrainingConfig) -> Measure:
    """Returns what fits a recall model as a training job does, and judges it alone in the full catalogue.

    Raises:
        DatasetError: no user has enough events.
    """
    data = recall_data(dataset, config)

    def measure(settings: Any, context: FitContext) -> float:
        model = family.fit(data, settings, context)
        length = context.max_history
        return validation_ndcg(model.encoder, model.item_vectors, data.validation, data.user_features, length)

    return measure


def ranker_measure(
    family: RankerFamily[Any], dataset: Dataset, config: TrainingConfig, display: ProgressDisplay, run: Run
) -> Measure:
    """Fits recall once, and returns what fits a ranking model to its candidates as a training job does, and judges that.

    Args:
        family: The ranking model.
        dataset: What to learn from.
        config: The channels, and all else.
        display: Follows the fits of recall.
        run: Keeps checkpoints of recall: a search that goes on does not fit it again.

    Raises:
        DatasetError: no user has enough events.
        Unsuitable: a recall model cannot be fitted to such data.
    """
    learned = TrainingData.of(config, dataset)
    placement = Placement.choose(config.device, config.precision)
    retrieval = fit_retrieval(config, learned, config.context(display, run, placement), Stopwatch())
    data = ranking_data(retrieval, learned, config, display)
    judged = data.validation

    def measure(settings: Any, context: FitContext) -> float:
        model = fit_ranker_family(family, data, settings, context).model
        lists = lists_of(model, judged.users, judged.history, judged.lists, data.tables)
        return ndcg_of_scores(score_all(model, lists), judged)

    return measure


def recall_data(dataset: Dataset, config: TrainingConfig) -> RecallData:
    """Returns what the recall models of a training job learn from.

    Raises:
        DatasetError: no user has enough events.
    """
    holdout = Holdout.of(dataset.histories(), config.ranker.reserved)
    features = fit_features(dataset, holdout, config)
    validation = holdout.validation.sample(config.validation_queries, config.seed)
    return RecallData(tuple(dataset.items), features.items.matrix, holdout.fit, features.users, validation)
