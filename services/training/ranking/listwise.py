"""Fitting any ranking model to put what followed above the other candidates of recall."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap

import torch
from torch import Tensor, nn

from services.training.devices import on_device
from services.training.fitting import fit_epochs
from services.training.optimisation import Epoch
from services.training.ranking.candidate_lists import CandidateLists
from services.training.ranking.examples import TARGET_COLUMN
from services.training.ranking.fields import embedding_penalty
from services.training.ranking.labels import label_loss
from services.training.ranking.list_batch import ListBatch
from services.training.ranking.lists import ScoredLists, lists_of, score_all
from services.training.ranking.model import RankerModelConfig, RankingData
from services.training.ranking.prepared import PreparedLists
from services.training.ranking.shown import ShownLists, shown_loss
from services.training.recall.model import FitContext
from services.training.recall_lists import ndcg_of_scores


def fit_lists(model: nn.Module, data: RankingData, config: RankerModelConfig, context: FitContext) -> tuple[Epoch, ...]:
    """Fits a model's first objective by listwise softmax cross-entropy, and the others by their labels.

    The loss is ListNet's top-one probability with one relevant candidate (Cao et al., ICML 2007) over sampled
    candidates, whose scores are corrected for how often they are drawn. Lists that were shown add `shown_loss`, as many
    of them in each step as makes every one of them come once an epoch. Each objective but the first adds the
    cross-entropy of its labels, which are known of what followed alone: it learns what people make of what they take up.

    Args:
        model: As `BuildRanker` makes it. Fitted in place; left with the parameters of the best epoch.
        data: What it learns from; its validation decides when to stop, by NDCG@10.
        config: Rates and limits.
        context: The circumstances of the fit.

    Returns:
        What every epoch gave.
    """
    torch.manual_seed(context.seed)
    examples, validation, tables, device = data.examples, data.validation, data.tables, context.placement.device
    with context.display.stage("lay out lists", 2) as advance:
        lists = lists_of(model, examples.users, examples.history, examples.candidates, tables)
        advance("")
        judged = lists_of(model, validation.users, validation.history, validation.lists, tables)
        advance("")
    if isinstance(lists, PreparedLists):
        lists.standardise()
    lists = on_device(lists, device)
    traffic = _Traffic(model, data.shown, data, device) if data.shown is not None else None
    log_expected = on_device(torch.as_tensor(examples.log_expected), device)
    labels = None if data.labels is None else on_device(torch.as_tensor(data.labels), device)
    steps = -(-len(lists) // config.batch)

    def batches() -> Iterator[ListBatch]:
        order = torch.split(torch.randperm(len(lists)), config.batch)
        turns = traffic.turns(steps) if traffic else (torch.empty(0, dtype=torch.int64),) * steps
        return starmap(ListBatch, zip(order, turns, strict=True))

    def loss(batch: ListBatch) -> Tensor:
        taken, turn = batch
        if labels is not None and isinstance(lists, CandidateLists):
            objectives = lists.score_objectives(taken)
            scores, opinions = objectives[..., 0], objectives[:, TARGET_COLUMN, 1:]
            total = data.label_weight * label_loss(opinions, labels[taken], "binary")
        else:
            scores, total = lists.score(taken), torch.zeros(())
        targets = torch.full((len(taken),), TARGET_COLUMN)
        total = total + nn.functional.cross_entropy(scores - log_expected[taken], targets)
        if traffic and len(turn):
            total = total + traffic.loss(turn)
        return total + embedding_penalty(model, config)

    return fit_epochs(
        model,
        name="fit ranker",
        batches=batches,
        steps=steps,
        loss=loss,
        judge=lambda: ndcg_of_scores(score_all(model, judged), validation),
        config=config,
        context=context,
        # A mean over the labels that are known is no mean over lists: such losses are computed whole.
        share=ListBatch.share if labels is None else None,
    )


class _Traffic:
    """Lists that were shown, and what they add to the loss."""

    def __init__(self, model: nn.Module, shown: ShownLists, data: RankingData, device: torch.device) -> None:
        lists: ScoredLists = lists_of(model, shown.users, shown.history, shown.candidates, data.tables)
        self._lists = on_device(lists, device)
        # What a list weighs is its gain over that of the others: the scale of rewards is nobody's learning rate.
        self._gains = on_device(torch.as_tensor(shown.gains / shown.gains.sum(axis=1).mean()), device)
        self._weight = data.shown_weight

    def turns(self, steps: int) -> tuple[Tensor, ...]:
        """Returns which lists each step of an epoch takes; where there are fewer lists than steps, some take none."""
        return torch.tensor_split(torch.randperm(len(self._lists)), steps)

    def loss(self, lists: Tensor) -> Tensor:
        """Returns what these lists add to the loss of a step; at least one."""
        return self._weight * shown_loss(self._lists.score(lists), self._gains[lists])
