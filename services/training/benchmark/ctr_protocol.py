"""Predicting clicks from logs that come split."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from services.training.benchmark.protocol import Cost, DataSize, Outcome, Refused, Request
from services.training.benchmark.recall_protocol import configured
from services.training.ctr.click_logs import USER, ClickLogs, read_click_logs
from services.training.ctr.registry import CLICK_MODELS
from services.training.metrics import (
    Interval,
    Slice,
    auc_interval,
    bootstrap_interval,
    by_history_length,
    by_popularity,
    calibration_interval,
    log_losses,
)
from services.training.recall.model import FitContext
from services.training.stopwatch import Stopwatch


class CtrProtocol:
    """Every test row is given a probability of being clicked by a model that learned from the training rows."""

    name = "ctr"
    summary = "the probability of a click, on the test rows of a log that comes split: log-loss, calibration, AUC"
    files = "train.csv, valid.csv and test.csv with the columns label, item and any others (frappe)"

    def models(self) -> Mapping[str, str]:
        """Returns a line about each model, by name."""
        return {name: family.summary for name, family in CLICK_MODELS.items()}

    def run(self, request: Request) -> Outcome:
        """Fits and judges; see `BenchmarkProtocol`."""
        family = CLICK_MODELS.get(request.model)
        if family is None:
            raise Refused(
                f"there is no model {request.model!r} for {self.name}; choose one of {', '.join(CLICK_MODELS)}"
            )
        config = configured(family.config, family.name, {**family.settings, **request.settings})
        with request.display.stage("read", 1) as advance:
            logs = read_click_logs(request.folder)
            advance("")
        stopwatch = Stopwatch()
        model = family.fit(logs, config, FitContext(request.seed, 1, request.threads, request.display))
        fit_seconds, fit_cpu_seconds = stopwatch.seconds()["total"], stopwatch.cpu_seconds()
        started = time.perf_counter()
        log_odds = model.log_odds(logs.test).astype(np.float64)
        evaluate_seconds = time.perf_counter() - started
        clicked = logs.test.labels[:, 0].numpy().astype(np.bool_)
        return Outcome(
            size=DataSize(request.folder.resolve().name, logs.people, logs.candidates, len(logs)),
            configuration=config.model_dump(mode="json"),
            queries=len(logs.test),
            metrics=_metrics(clicked, log_odds),
            # Four bytes are enough for a number, whatever it was computed in.
            cost=Cost(
                fit_seconds,
                evaluate_seconds,
                bytes_per_item=model.numbers * 4 / logs.candidates,
                fit_cpu_seconds=fit_cpu_seconds,
            ),
            slices={
                one.name: auc_interval(clicked[one.members], log_odds[one.members])
                for one in _parts(logs)
                if 0 < clicked[one.members].mean() < 1
            },
            curve=tuple(epoch.ndcg for epoch in model.epochs),
        )


def _metrics(clicked: npt.NDArray[np.bool_], log_odds: npt.NDArray[np.float64]) -> dict[str, Interval]:
    chances = 1.0 / (1.0 + np.exp(-log_odds))
    return {
        "ece": calibration_interval(clicked, chances),
        "log_loss": bootstrap_interval(log_losses(clicked, chances)),
        # Of the log-odds: two probabilities can be so near to 1 that they are equal.
        "auc": auc_interval(clicked, log_odds),
    }


def _parts(logs: ClickLogs) -> Iterator[Slice]:
    """Test rows by how many training rows their user has, and by how many their item has."""
    names = [field.name for field in logs.fields]
    if USER in names:
        # The first column of the user features says whether anything is known.
        place = 1 + names.index(USER)
        rows_of = np.bincount(logs.train.user_features.columns[:, place], minlength=logs.shape.user_features)
        yield from by_history_length(rows_of[logs.test.user_features.columns[:, place]])
    counts = np.bincount(logs.train.candidates, minlength=len(logs.items))
    yield from by_popularity(logs.test.candidates.numpy(), counts)
