"""Rating prediction by cross-validation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.training.benchmark.protocol import Cost, DataSize, Outcome, Refused, Request
from services.training.benchmark.recall_protocol import configured
from services.training.datasets.errors import DatasetError
from services.training.datasets.ratings import Ratings, read_ratings
from services.training.datasets.splits import k_folds
from services.training.metrics import by_history_length, rmse_interval, squared_errors
from services.training.rating.model import RatingFamily
from services.training.rating.registry import RATING_MODELS
from services.training.recall.model import FitContext, ModelConfig
from services.training.stopwatch import Stopwatch

_FOLDS = 5


class RatingProtocol:
    """Every rating is predicted once, by a model that learned from the other four fifths."""

    name = "rating"
    summary = "5-fold cross-validation of predicted stars: RMSE over all ratings"
    files = "one NAME.inter with user_id, item_id and rating (ml-100k)"

    def models(self) -> Mapping[str, str]:
        """Returns a line about each model, by name."""
        return {name: family.summary for name, family in RATING_MODELS.items()}

    def run(self, request: Request) -> Outcome:
        """Fits and judges each fold; see `BenchmarkProtocol`."""
        family = RATING_MODELS.get(request.model)
        if family is None:
            raise Refused(
                f"there is no model {request.model!r} for {self.name}; choose one of {', '.join(RATING_MODELS)}"
            )
        config = configured(family.config, family.name, request.settings)
        ratings = read_ratings(request.folder)
        if len(ratings) < _FOLDS:
            raise DatasetError(
                f"{len(ratings)} ratings are too few for {_FOLDS} folds",
                remedy="Bring many more to learn anything.",
                path=request.folder,
            )
        folds = _cross_validate(family, config, ratings, request)
        return Outcome(
            size=DataSize(request.folder.resolve().name, ratings.num_users, ratings.num_items, len(ratings)),
            configuration=config.model_dump(mode="json"),
            queries=len(ratings),
            metrics={"rmse": rmse_interval(folds.squared)},
            cost=folds.cost,
            slices={one.name: rmse_interval(folds.squared[one.members]) for one in by_history_length(folds.known)},
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Folds:
    """What all folds together gave.

    Attributes:
        squared: float64 [ratings], the squared error of each, by the model that had not seen it.
        known: int64 [ratings], how many ratings of the same user that model had seen.
        cost: Of one fold on average to fit, of all together to predict.
    """

    squared: npt.NDArray[np.float64]
    known: npt.NDArray[np.int64]
    cost: Cost


def _cross_validate(family: RatingFamily[Any], config: ModelConfig, ratings: Ratings, request: Request) -> _Folds:
    context = FitContext(request.seed, 1, request.threads, request.display)
    squared, known = np.empty(len(ratings)), np.empty(len(ratings), dtype=np.int64)
    fit_seconds, fit_cpu_seconds, predict_seconds, numbers = 0.0, 0.0, 0.0, 0
    for train, test in k_folds(len(ratings), _FOLDS, request.seed):
        learned, asked = ratings.take(train), ratings.take(test)
        stopwatch = Stopwatch()
        model = family.fit(learned, config, context)
        fit_seconds += stopwatch.seconds()["total"]
        fit_cpu_seconds += stopwatch.cpu_seconds()
        started = time.perf_counter()
        squared[test] = squared_errors(asked.values, model.predict(asked.users, asked.items))
        predict_seconds += time.perf_counter() - started
        known[test] = np.bincount(learned.users, minlength=learned.num_users)[asked.users]
        numbers = model.numbers
    # Four bytes are enough for a number, whatever it was computed in.
    cost = Cost(
        fit_seconds=fit_seconds / _FOLDS,
        evaluate_seconds=predict_seconds,
        bytes_per_item=numbers * 4 / ratings.num_items,
        fit_cpu_seconds=fit_cpu_seconds / _FOLDS,
    )
    return _Folds(squared, known, cost)
