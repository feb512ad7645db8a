"""Cross-validation that keeps the order of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from services.training.benchmark.beyond import beyond_accuracy
from services.training.benchmark.protocol import Cost, DataSize, Outcome, Request
from services.training.benchmark.recall_protocol import Answer, chosen_family, fit_and_ask, recall_models
from services.training.benchmark.recall_tasks import TIME_FOLDS, RecallTask, time_folds
from services.training.metrics import Slice, bootstrap_interval, by_history_length, slice_intervals


class TimeFoldsProtocol:
    """Every period of time but the first is asked of a model that learned from all periods before it."""

    name = "time-folds"
    summary = f"{TIME_FOLDS} periods of time, each after learning from all before it, in the full catalogue: Recall@20, NDCG@20"
    files = "any data set with timestamps (ml-100k)"

    def models(self) -> Mapping[str, str]:
        """Returns a line about each model, by name."""
        return recall_models()

    def run(self, request: Request) -> Outcome:
        """Fits and judges each fold; see `BenchmarkProtocol`."""
        family, config = chosen_family(self.name, request)
        with request.display.stage("read", 1) as advance:
            tasks = time_folds(request.folder, request.seed)
            advance("")
        answers = [fit_and_ask(family, config, task, request) for task in tasks]
        dataset = tasks[0].dataset
        judged = [answer.judged.metrics for answer in answers]
        metrics = {name: np.concatenate([one[name] for one in judged]) for name in judged[0]}
        return Outcome(
            size=DataSize(dataset.name, len(dataset.users), len(dataset.items), len(dataset.interactions)),
            configuration=config.model_dump(mode="json"),
            queries=sum(len(task.questions.users) for task in tasks),
            metrics={name: bootstrap_interval(values) for name, values in metrics.items()},
            cost=_cost([answer.cost for answer in answers]),
            beyond=_beyond(tasks, answers),
            slices=slice_intervals(list(metrics.values())[-1], _parts(tasks)),
            # Of the last fold, which learned from most.
            curve=tuple(epoch.ndcg for epoch in answers[-1].epochs),
        )


def _cost(costs: Sequence[Cost]) -> Cost:
    """Of a fold on average to fit, of all together to ask, and otherwise of the last one."""
    return replace(
        costs[-1],
        fit_seconds=float(np.mean([cost.fit_seconds for cost in costs])),
        evaluate_seconds=sum(cost.evaluate_seconds for cost in costs),
    )


def _beyond(tasks: Sequence[RecallTask], answers: Sequence[Answer]) -> dict[str, float]:
    """The mean over the folds."""
    found = [
        beyond_accuracy(answer.judged.lists, task.fit, len(task.dataset.items))
        for task, answer in zip(tasks, answers, strict=True)
        if answer.judged.lists is not None
    ]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def _parts(tasks: Sequence[RecallTask]) -> list[Slice]:
    """The queries of each period, and those of short and of long histories."""
    period = np.repeat(np.arange(len(tasks)), [len(task.questions.users) for task in tasks])
    lengths = np.asarray([len(history) for task in tasks for history in task.questions.histories])
    return [
        *(Slice(f"period {number + 1} of {len(tasks)}", period == number) for number in range(len(tasks))),
        *by_history_length(lengths),
    ]
