"""Running a recall model through a protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.training.benchmark.judging import Asked, ask_all, model_bytes, query_milliseconds
from services.training.benchmark.popularity import POPULARITY
from services.training.benchmark.protocol import Cost, Outcome, Refused, Request
from services.training.benchmark.questions import Judged
from services.training.benchmark.recall_tasks import RecallTask
from services.training.benchmark.task_outcome import outcome_of
from services.training.config import TrainingConfig
from services.training.models import features_from
from services.training.optimisation import Epoch
from services.training.recall.model import FitContext, ModelConfig, RecallData, RecallFamily, RecallModel, Unsuitable
from services.training.recall.registry import RECALL_MODELS
from services.training.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True)
class RecallProtocol:
    """A protocol for recall models: every one of the registry, and popularity.

    Attributes:
        name: What commands call it.
        summary: How it splits and judges, in a line.
        files: What a folder must hold for it, in words.
        read: Cuts the data set of a folder by a seed.
    """

    name: str
    summary: str
    files: str
    read: Callable[[Path, int], RecallTask]

    def models(self) -> Mapping[str, str]:
        """Returns a line about each model, by name."""
        return recall_models()

    def run(self, request: Request) -> Outcome:
        """Fits and judges; see `BenchmarkProtocol`."""
        family, config = chosen_family(self.name, request)
        with request.display.stage("read", 1) as advance:
            task = self.read(request.folder, request.seed)
            advance("")
        answer = fit_and_ask(family, config, task, request)
        return outcome_of(task, config, answer.judged, answer.cost, answer.epochs)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a recall model made of a task.

    Attributes:
        judged: Its answers to the questions, in their order.
        cost: What it takes.
        epochs: What every epoch of its fit gave.
    """

    judged: Judged
    cost: Cost
    epochs: tuple[Epoch, ...]


def recall_models() -> dict[str, str]:
    """Returns a line about each recall model that can be measured, by name."""
    return {name: family.summary for name, family in _families().items()}


def chosen_family(protocol: str, request: Request) -> tuple[RecallFamily[Any], ModelConfig]:
    """Returns the family that is asked for, and its configuration.

    Raises:
        Refused: there is no such model or setting.
    """
    family = _families().get(request.model)
    if family is None:
        raise Refused(f"there is no model {request.model!r} for {protocol}; choose one of {', '.join(_families())}")
    return family, configured(family.config, family.name, request.settings)


def fit_and_ask(family: RecallFamily[Any], config: ModelConfig, task: RecallTask, request: Request) -> Answer:
    """Fits a model to a task's events and asks it the task's questions.

    Raises:
        Refused: the model does not suit the data.
    """
    data = _recall_data(task)
    longest = max(len(history) for history in (*task.questions.histories, *task.validation.histories))
    context = FitContext(request.seed, request.max_history or max(1, longest), request.threads, request.display)
    stopwatch = Stopwatch()
    model = _fit(family, data, config, context)
    fit_seconds, fit_cpu_seconds = stopwatch.seconds()["total"], stopwatch.cpu_seconds()
    asked = Asked(model, data.user_features, context.max_history)
    started = time.perf_counter()
    judged = ask_all(task.questions, asked, request.display)
    cost = Cost(
        fit_seconds=fit_seconds,
        evaluate_seconds=time.perf_counter() - started,
        bytes_per_item=model_bytes(model) / len(data.items),
        dimension=model.item_vectors.shape[1],
        query_ms=query_milliseconds(task.questions, asked, request.seed),
        fit_cpu_seconds=fit_cpu_seconds,
    )
    return Answer(judged, cost, model.epochs)


def configured(kind: type[ModelConfig], model: str, settings: Mapping[str, object]) -> ModelConfig:
    """Returns the configuration with these settings.

    Raises:
        Refused: a setting is unknown or has a value that it cannot have.
    """
    try:
        return kind(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        known = ", ".join(kind.model_fields) or "none"
        raise Refused(f"setting {place!r} of {model}: {first['msg']}; the settings are: {known}") from error


def _families() -> dict[str, RecallFamily[Any]]:
    return {POPULARITY.name: POPULARITY, **RECALL_MODELS}


def _recall_data(task: RecallTask) -> RecallData:
    features = features_from(task.dataset, task.fit, TrainingConfig())
    return RecallData(task.dataset.items, features.items.matrix, task.fit, features.users, task.validation)


def _fit(family: RecallFamily[Any], data: RecallData, config: ModelConfig, context: FitContext) -> RecallModel:
    try:
        return family.fit(data, config, context)
    except Unsuitable as error:
        raise Refused(str(error)) from error
