"""The protocol of items that a model was not fitted with."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from services.training.benchmark.cold_items import BASELINES, POPULARITY, RANDOM, ColdItemRow, ColdItemTest
from services.training.benchmark.judging import model_bytes
from services.training.benchmark.protocol import Cost, DataSize, Outcome, Refused, Request
from services.training.benchmark.recall_protocol import configured
from services.training.benchmark.recall_tasks import met_items_only
from services.training.datasets import Dataset, Item, load_dataset
from services.training.recall.model import FitContext, ModelConfig, RecallFamily, RecallModel, Unsuitable
from services.training.recall.multimodal.placing import ContentRecallModel
from services.training.recall.registry import RECALL_MODELS
from services.training.stopwatch import Stopwatch
from shared.word_projection import WordProjection, document

# What these models are served with.
_MAX_HISTORY = 50


class ColdItemProtocol:
    """Items are taken out of training; models that place items by what they are have to find them."""

    name = "cold-items"
    summary = "15 % of the items taken out of training, and looked for in the newest fifth of everybody's events: HR@50"
    files = "any data set with an order and with words or images of the items (ml-1m, beauty)"

    def models(self) -> Mapping[str, str]:
        """Returns a line about each model, by name."""
        baselines = {
            POPULARITY: "Training events, which no cold item has; ties at random: the baseline",
            RANDOM: "Chance",
        }
        return baselines | {name: family.summary for name, family in RECALL_MODELS.items() if family.content}

    def run(self, request: Request) -> Outcome:
        """Fits and judges; see `BenchmarkProtocol`."""
        if request.model not in self.models():
            raise Refused(
                f"there is no model {request.model!r} for {self.name}; choose one of {', '.join(self.models())}"
            )
        family = None if request.model in BASELINES else RECALL_MODELS[request.model]
        config = configured(ModelConfig if family is None else family.config, request.model, request.settings)
        with request.display.stage("read", 1) as advance:
            dataset = met_items_only(load_dataset(request.folder))
            test = ColdItemTest.of(dataset, request.seed)
            advance("")
        if family is None:
            started = time.perf_counter()
            row = test.baseline(request.model)
            return _outcome(dataset, test, config, row, Cost(0.0, time.perf_counter() - started, fit_cpu_seconds=0.0))
        return _fitted(family, config, dataset, test, request)


def placing(model: RecallModel) -> ContentRecallModel:
    """Returns a model that can place items, from one that has a projection of words or can place them already.

    Raises:
        Unsuitable: it can do neither.
    """
    if isinstance(model, ContentRecallModel):
        return model
    if model.projection is None:
        raise Unsuitable("nothing places items that the model was not fitted with: no item has a word")
    return ContentRecallModel(
        model.encoder, model.item_vectors, model.epochs, model.projection, place=_PlaceByWords(model.projection)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _PlaceByWords:
    """Gives vectors to items; see `PlaceItems`."""

    projection: WordProjection

    def __call__(self, items: Sequence[Item]) -> npt.NDArray[np.float32]:
        words = [document(item.title, item.categories, item.text) for item in items]
        return np.stack([np.asarray(self.projection.project(one), dtype=np.float32) for one in words])


def _fitted(
    family: RecallFamily[Any], config: ModelConfig, dataset: Dataset, test: ColdItemTest, request: Request
) -> Outcome:
    shown = request.max_history or _MAX_HISTORY
    context = FitContext(request.seed, shown, request.threads, request.display)
    stopwatch = Stopwatch()
    try:
        model = placing(family.fit(test.split.data, config, context))
    except Unsuitable as error:
        raise Refused(str(error)) from error
    seconds, cpu_seconds = stopwatch.seconds()["total"], stopwatch.cpu_seconds()
    started = time.perf_counter()
    row = test.judge(request.model, model, shown)
    cost = Cost(
        fit_seconds=seconds,
        evaluate_seconds=time.perf_counter() - started,
        bytes_per_item=model_bytes(model) / len(model.item_vectors),
        dimension=model.item_vectors.shape[1],
        fit_cpu_seconds=cpu_seconds,
    )
    return replace(_outcome(dataset, test, config, row, cost), curve=tuple(epoch.ndcg for epoch in model.epochs))


def _outcome(dataset: Dataset, test: ColdItemTest, config: ModelConfig, row: ColdItemRow, cost: Cost) -> Outcome:
    return Outcome(
        size=DataSize(dataset.name, len(dataset.users), len(dataset.items), len(dataset.interactions)),
        configuration=config.model_dump(mode="json"),
        queries=len(test.cold),
        metrics={
            f"hr@{test.k}, known among all": row.known,
            f"hr@{test.k}, cold among cold": row.cold_alone,
            f"hr@{test.k}, cold among all": row.cold,
        },
        cost=cost,
        beyond={"places of cold items": row.places},
    )
