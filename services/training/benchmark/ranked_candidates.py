"""Ranking models that put a few candidates in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import create_model
from torch import nn

from services.training.benchmark.judging import median_milliseconds, module_bytes
from services.training.benchmark.protocol import Cost, Outcome, Request
from services.training.benchmark.questions import AmongCandidates, Judged
from services.training.benchmark.recall_protocol import configured
from services.training.benchmark.recall_tasks import RecallTask
from services.training.benchmark.task_outcome import outcome_of
from services.training.config import TrainingConfig
from services.training.models import features_from
from services.training.optimisation import Epoch
from services.training.ranking.candidate_scores import CandidateQueries, score_candidates
from services.training.ranking.feature_tables import FeatureTables
from services.training.ranking.model import RankerFamily, RankerShape
from services.training.ranking.pair_settings import settings_for_pairs
from services.training.ranking.registry import RANKERS
from services.training.ranking.sampled_pairs import SampledPairsConfig, fit_sampled_pairs
from services.training.recall.model import FitContext
from services.training.stopwatch import Stopwatch

# No recall model is fitted here, which signals and trees look at; and what reads texts has the name of a recall model.
_LEFT_OUT = {"signals", "gbdt", "text_cnn"}

PAIR_RANKERS: Mapping[str, RankerFamily[Any]] = {name: one for name, one in RANKERS.items() if name not in _LEFT_OUT}


@dataclass(frozen=True, slots=True, eq=False)
class PairRanker:
    """A ranking model, fitted to who met what.

    Attributes:
        model: In evaluation mode.
        tables: Features by row.
        max_history: How many of the newest items of a history it is shown.
        epochs: What every epoch of the fit gave.
    """

    model: nn.Module
    tables: FeatureTables
    max_history: int
    epochs: tuple[Epoch, ...]

    def scores(
        self,
        questions: AmongCandidates,
        rows: npt.NDArray[np.int64],
        candidates: npt.NDArray[np.int64],
        advance: Callable[[int], None] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Returns the scores of candidates for the histories of some questions: float32 [rows, places]."""
        queries = CandidateQueries(
            questions.users[rows], tuple(questions.histories[row] for row in rows.tolist()), candidates
        )
        return score_candidates(self.model, queries, self.tables, self.max_history, advance)


def run_ranker(family: RankerFamily[Any], request: Request, task: RecallTask, questions: AmongCandidates) -> Outcome:
    """Fits a ranking model to a task's events and lets it put the candidates of its questions in order.

    Args:
        family: From `PAIR_RANKERS`.
        request: Settings and circumstances.
        task: What is learned from.
        questions: Those of the task.

    Raises:
        Refused: a setting is unknown or has a value that it cannot have.
    """
    config: Any = configured(_with_sampling(family), family.name, {**settings_for_pairs(family), **request.settings})
    longest = max(len(history) for history in (*questions.histories, *task.validation.histories))
    context = FitContext(request.seed, request.max_history or max(1, longest), request.threads, request.display)
    stopwatch = Stopwatch()
    fitted = _fit(family, task, config, context)
    fit_seconds, fit_cpu_seconds = stopwatch.seconds()["total"], stopwatch.cpu_seconds()
    started = time.perf_counter()
    judged = _ask(fitted, questions, request)
    evaluate_seconds = time.perf_counter() - started
    catalogue = np.arange(len(task.dataset.items))[None]
    cost = Cost(
        fit_seconds,
        evaluate_seconds,
        bytes_per_item=module_bytes(fitted.model) / len(task.dataset.items),
        query_ms=median_milliseconds(
            lambda row: fitted.scores(questions, np.asarray([row]), catalogue), len(questions.users), request.seed
        ),
        fit_cpu_seconds=fit_cpu_seconds,
    )
    return outcome_of(task, config, judged, cost, fitted.epochs)


def _with_sampling(family: RankerFamily[Any]) -> type[Any]:
    """The settings of a family and those of how pairs are sampled, as one."""
    both: type[Any] = create_model(f"{family.config.__name__}OfPairs", __base__=(SampledPairsConfig, family.config))
    return both


def _fit(family: RankerFamily[Any], task: RecallTask, config: Any, context: FitContext) -> PairRanker:
    features = features_from(task.dataset, task.fit, TrainingConfig())
    tables = features.tables()
    torch.manual_seed(context.seed)
    model = family.make(RankerShape(len(task.dataset.items), features.user_fields, features.items.names), config)
    epochs = fit_sampled_pairs(
        model, task.fit, task.validation, tables, sampling=config, config=config, context=context
    )
    return PairRanker(model, tables, context.max_history, epochs)


def _ask(fitted: PairRanker, questions: AmongCandidates, request: Request) -> Judged:
    rows = np.arange(len(questions.users))
    with request.display.stage("ask", len(rows)) as advance:

        def answered(queries: int) -> None:
            for _ in range(queries):
                advance("")

        scores = fitted.scores(questions, rows, questions.candidates, answered)
    return questions.judge_candidates(rows, scores)
