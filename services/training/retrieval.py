"""The part of a training job below the ranker: features, recall channels and how they are merged."""

from __future__ import annotations

from dataclasses import dataclass

from services.training.config import TrainingConfig
from services.training.evaluation import RecallStage
from services.training.holdout import Holdout
from services.training.merge_weights import MergeFit, learn_quotas
from services.training.models import Features, fit_features, ranker_shape
from services.training.progress import ProgressDisplay
from services.training.ranking.examples import TARGET_COLUMN, draw_examples
from services.training.ranking.model import RankingData
from services.training.recall.model import FitContext
from services.training.recall_models import RecallModels, fit_recall
from services.training.stopwatch import Stopwatch
from services.training.training_data import TrainingData


@dataclass(frozen=True, slots=True, eq=False)
class Retrieval:
    """Everything that finds candidates, fitted.

    Attributes:
        features: Of users and items.
        recall: The channels.
        merge: How their candidates become one list.
    """

    features: Features
    recall: RecallModels
    merge: MergeFit

    def stage(self, config: TrainingConfig) -> RecallStage:
        """Returns recall with the quotas that were learned."""
        return RecallStage(self.features, self.recall, config, self.merge.quotas)


def fit_retrieval(config: TrainingConfig, data: TrainingData, context: FitContext, watch: Stopwatch) -> Retrieval:
    """Fits what a ranker's candidates come from, on the events in `holdout.fit` and, for the quotas, on validation.

    Args:
        config: Of the job.
        data: To learn from.
        context: The circumstances of the fits.
        watch: Measures each step.

    Raises:
        DatasetError: a field is counted, and the data set has no times.
        Unsuitable: a model cannot be fitted to such data.
    """
    dataset, holdout = data.dataset, data.holdout
    with watch.measure("features"):
        features = fit_features(dataset, holdout, config)
    with watch.measure("recall"):
        recall = fit_recall(
            dataset, holdout, features.items.matrix, features.users, config=config, context=context
        )  # fmt: skip
    with watch.measure("merge"):
        merge = _fit_merge(RecallStage(features, recall, config), holdout, config)
    return Retrieval(features, recall, merge)


def ranking_data(
    retrieval: Retrieval, data: TrainingData, config: TrainingConfig, display: ProgressDisplay
) -> RankingData:
    """Lists candidates for the events that recall was not fitted on, for a ranker to learn from.

    Args:
        retrieval: Finds the candidates.
        data: Has those events, the validation and what else the ranker learns from.
        config: Of the job.
        display: Follows the work.
    """
    stage, features = retrieval.stage(config), retrieval.features
    with display.stage("list candidates", 2) as advance:
        examples = draw_examples(stage.retrieve(data.holdout.ranker).listed, config.ranker.negatives, config.seed)
        advance("")
        judged = stage.retrieve(data.holdout.validation.sample(config.ranker.validation_users, config.seed)).listed
        advance("")
    return RankingData(
        ranker_shape(data.dataset.items, features, retrieval.recall, config),
        examples,
        judged,
        features.tables(),
        data.shown,
        config.ranker.shown_weight,
        data.labels(examples.users, examples.candidates[:, TARGET_COLUMN]) if data.labels.names else None,
        config.ranker.label_weight,
        config.ranker.begin_with_recall,
    )


def _fit_merge(stage: RecallStage, holdout: Holdout, config: TrainingConfig) -> MergeFit:
    if not config.merge.learn or len(config.channels) == 1:
        return MergeFit(config.quotas())
    asked = holdout.validation.sample(config.merge.queries, config.seed)
    return learn_quotas(stage.places(asked), config.quotas(), stage.candidates, len(asked), config.merge)
