"""What the models of a job are worth on held-out events, before they become a snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from services.training.config import TrainingConfig
from services.training.evaluation import Evaluated, RecallStage, evaluate
from services.training.merge_weights import contributions
from services.training.models import FittedModels
from services.training.objective_quality import judge_objectives
from services.training.progress import ProgressDisplay
from services.training.training_data import TrainingData


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What was found, where a part is `validation` or `test`.

    Attributes:
        parts: By part: every stage of the funnel.
        objectives: By part, then by objective of the ranker but the first, as `judge_objectives` has them.
        channels: By channel: what it adds among the test's candidates.
    """

    parts: dict[str, Evaluated]
    objectives: dict[str, dict[str, dict[str, float]]]
    channels: dict[str, dict[str, float]]


def judge(models: FittedModels, data: TrainingData, config: TrainingConfig, display: ProgressDisplay) -> Judgement:
    """Judges models by what followed the histories of validation and test.

    Args:
        models: In evaluation mode.
        data: With both parts.
        config: Of the job.
        display: Follows the work.
    """
    stage = RecallStage(models.features, models.recall, config, models.merge.quotas)
    parts = {"validation": data.holdout.validation, "test": data.holdout.test}
    evaluated = {
        part: evaluate(queries, stage, models.ranker.model, models.features, display) for part, queries in parts.items()
    }
    objectives = {
        part: judge_objectives(models.ranker, queries, data.labels, models.features, config.max_history)
        for part, queries in parts.items()
        if data.labels.names
    }
    asked = data.holdout.test.sample(config.merge.queries, config.seed)
    channels = contributions(stage.places(asked), models.merge.quotas, stage.candidates)
    return Judgement(evaluated, objectives, channels)
