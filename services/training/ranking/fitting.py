"""Fitting the ranker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import starmap

import torch
from torch import Tensor, nn

from services.training.config import RankerConfig
from services.training.devices import on_device
from services.training.fitting import DescentConfig, fit_epochs
from services.training.optimisation import Epoch, best_epoch
from services.training.placement import ON_CPU, Placement
from services.training.progress import ProgressDisplay
from services.training.ranking.examples import TARGET_COLUMN, RankingExamples
from services.training.ranking.list_batch import ListBatch
from services.training.ranking.prepared import FeatureTables, PreparedLists
from services.training.ranking.ranker import Ranker
from services.training.ranking.shown import ShownLists, shown_loss
from services.training.recall.model import FitContext
from services.training.recall_lists import ListedQueries, ndcg_of_scores
from services.training.runs.run import Run

_STANDARDISED_ON = 512


@dataclass(frozen=True, slots=True)
class RankerFit:
    """How the fit went.

    Attributes:
        epochs: What every epoch gave.
        best: Number of the epoch whose parameters were kept, from 0.
    """

    epochs: tuple[Epoch, ...]
    best: int


def fit_ranker(
    ranker: Ranker,
    examples: RankingExamples,
    validation: ListedQueries,
    tables: FeatureTables,
    *,
    config: RankerConfig,
    seed: int,
    display: ProgressDisplay,
    shown: ShownLists | None = None,
    run: Run | None = None,
    placement: Placement = ON_CPU,
) -> RankerFit:
    """Fits the ranker to put what followed above the other candidates, by listwise softmax cross-entropy.

    The loss is ListNet's top-one probability with one relevant candidate (Cao et al., ICML 2007) over sampled
    candidates, whose scores are corrected for how often they are drawn. Lists that were shown add `shown_loss`, as many of
    them in each step as makes every one of them come once an epoch.

    Args:
        ranker: Fitted in place; left in evaluation mode with the parameters of the best epoch.
        examples: What it learns from.
        validation: Decides when to stop; nothing is learned from it.
        tables: Features by row.
        config: Rates and limits.
        seed: Of dropout and of the order of the examples.
        display: Told after every step.
        shown: What came of lists that were shown; None where none were.
        run: Where to keep checkpoints; None keeps none.
        placement: Where to compute.
    """
    torch.manual_seed(seed)
    with display.stage("compute signals", 2) as advance:
        prepared = PreparedLists.compute(ranker, examples.users, examples.history, examples.candidates, tables)
        advance("")
        judged = PreparedLists.compute(ranker, validation.users, validation.history, validation.lists, tables)
        advance("")
    device = placement.device
    traffic = _Traffic(ranker, shown, tables, config.shown_weight, device) if shown is not None else None
    ranker.standardise(prepared.signals[torch.randperm(len(prepared))[:_STANDARDISED_ON]].flatten(0, 1))
    prepared = on_device(prepared, device)
    log_expected = on_device(torch.as_tensor(examples.log_expected), device)
    steps = -(-len(prepared) // config.batch)

    def batches() -> Iterator[ListBatch]:
        lists = torch.split(torch.randperm(len(prepared)), config.batch)
        turns = traffic.turns(steps) if traffic else (None,) * steps
        return starmap(ListBatch, zip(lists, turns, strict=True))

    def loss(batch: ListBatch) -> Tensor:
        lists, turn = batch
        one = _loss(prepared.score(ranker, lists) - log_expected[lists])
        return one if traffic is None or turn is None else one + traffic.loss(ranker, turn)

    history = fit_epochs(
        ranker,
        name="fit ranker",
        batches=batches,
        steps=steps,
        loss=loss,
        judge=lambda: ndcg_of_scores(judged.score_all(ranker), validation),
        config=DescentConfig(
            epochs=config.epochs, patience=config.patience, learning_rate=config.learning_rate,
            weight_decay=config.weight_decay, batch=config.batch,
        ),
        context=FitContext(seed, examples.history.shape[1], torch.get_num_threads(), display, run, placement),
        share=ListBatch.share,
    )  # fmt: skip
    return RankerFit(history, best_epoch(history))


class _Traffic:
    """Lists that were shown, with their signals computed."""

    def __init__(
        self, ranker: Ranker, shown: ShownLists, tables: FeatureTables, weight: float, device: torch.device
    ) -> None:
        prepared = PreparedLists.compute(ranker, shown.users, shown.history, shown.candidates, tables)
        self._prepared = on_device(prepared, device)
        # What a list weighs is its gain over that of the others: the scale of rewards is nobody's learning rate.
        self._gains = on_device(torch.as_tensor(shown.gains / shown.gains.sum(axis=1).mean()), device)
        self._weight = weight

    def turns(self, steps: int) -> tuple[Tensor, ...]:
        """Returns which lists each step of an epoch takes; where there are fewer lists than steps, some take none."""
        return torch.tensor_split(torch.randperm(len(self._prepared)), steps)

    def loss(self, ranker: Ranker, lists: Tensor) -> Tensor:
        """Returns what these lists add to the loss of a step."""
        if not len(lists):
            return torch.zeros(())
        return self._weight * shown_loss(self._prepared.score(ranker, lists), self._gains[lists])


def _loss(scores: Tensor) -> Tensor:
    return nn.functional.cross_entropy(scores, torch.full((len(scores),), TARGET_COLUMN))
