"""What came of a task, whatever kind of model answered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.training.benchmark.beyond import beyond_accuracy
from services.training.benchmark.protocol import Cost, DataSize, Outcome
from services.training.benchmark.questions import UNKNOWN_ITEM, Judged
from services.training.benchmark.recall_tasks import RecallTask
from services.training.metrics import (
    Interval,
    bootstrap_interval,
    by_attribute,
    by_history_length,
    by_popularity,
    slice_intervals,
)
from services.training.optimisation import Epoch
from services.training.recall.interaction_matrix import interaction_matrix
from services.training.recall.model import ModelConfig


def outcome_of(task: RecallTask, config: ModelConfig, judged: Judged, cost: Cost, epochs: tuple[Epoch, ...]) -> Outcome:
    """Returns the outcome of a run.

    Args:
        task: What was asked.
        config: Of the model that answered.
        judged: Its answers.
        cost: What it takes.
        epochs: What every epoch of its fit gave.
    """
    dataset = task.dataset
    counts = interaction_matrix(task.fit, len(dataset.items)).sum(axis=0).astype(np.int64)
    return Outcome(
        size=DataSize(dataset.name, len(dataset.users), len(dataset.items), len(dataset.interactions)),
        configuration=config.model_dump(mode="json"),
        queries=len(task.questions.users),
        metrics={name: bootstrap_interval(values) for name, values in judged.metrics.items()},
        cost=cost,
        beyond={} if judged.lists is None else beyond_accuracy(judged.lists, task.fit, len(dataset.items)),
        slices=_slices(task, judged, counts),
        curve=tuple(epoch.ndcg for epoch in epochs),
    )


def _slices(task: RecallTask, judged: Judged, counts: npt.NDArray[np.int64]) -> dict[str, Interval]:
    """The last metric for parts of the queries."""
    questions, values = task.questions, list(judged.metrics.values())[-1]
    slices = list(by_history_length(np.asarray([len(history) for history in questions.histories])))
    slices += by_attribute([task.dataset.users[user].attributes for user in questions.users.tolist()])
    found = slice_intervals(values, slices)
    if questions.targets is not None:
        known = questions.targets != UNKNOWN_ITEM
        found |= slice_intervals(values[known], list(by_popularity(questions.targets[known], counts)))
    return found
