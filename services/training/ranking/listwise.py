"""Fitting any ranking model to put what followed above the other candidates of recall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import starmap

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from services.training.devices import on_device
from services.training.fitting import fit_epochs
from services.training.metrics.lists import NO_ITEM
from services.training.optimisation import Epoch
from services.training.ranking.examples import TARGET_COLUMN, RankingExamples
from services.training.ranking.fields import embedding_penalty
from services.training.ranking.list_batch import ListBatch
from services.training.ranking.model import RankerModelConfig
from services.training.ranking.prepared import FeatureTables
from services.training.ranking.shown import ShownLists, shown_loss
from services.training.recall.model import FitContext
from services.training.recall_lists import ListedQueries, ndcg_of_scores

_NEVER = -1e9
_LISTS_AT_A_TIME = 16


@dataclass(frozen=True, slots=True, eq=False)
class CandidateLists:
    """Lists of candidates, each for one history.

    Attributes:
        users: int64 [lists], whose history it is.
        history: int64 [lists, length], padded on the left with -1.
        candidates: int64 [lists, places] item rows; `NO_ITEM` where a list has ended.
        tables: Features by row.
    """

    users: Tensor
    history: Tensor
    candidates: Tensor
    tables: FeatureTables

    def __len__(self) -> int:
        return len(self.candidates)

    def score(self, model: nn.Module, lists: Tensor) -> Tensor:
        """Scores some of the lists by the first objective: float [chosen, places], hugely negative at `NO_ITEM`."""
        candidates = self.candidates[lists]
        chosen, places = candidates.shape
        rows = candidates.clamp(min=0).flatten()
        query = torch.arange(chosen).repeat_interleave(places)
        user_features = self.tables.users[self.users[lists]]
        scores: Tensor = model(self.history[lists], user_features, rows, self.tables.items[rows], query)
        return scores[:, 0].float().reshape(candidates.shape).masked_fill(candidates == NO_ITEM, _NEVER)

    def score_all(self, model: nn.Module) -> npt.NDArray[np.float32]:
        """Scores every list, with the model in evaluation mode: float32 [lists, places]."""
        with torch.inference_mode():
            parts = [self.score(model, lists) for lists in torch.split(torch.arange(len(self)), _LISTS_AT_A_TIME)]
        scores: npt.NDArray[np.float32] = torch.cat(parts).numpy()
        return scores


def fit_lists(
    model: nn.Module,
    examples: RankingExamples,
    validation: ListedQueries,
    tables: FeatureTables,
    *,
    config: RankerModelConfig,
    context: FitContext,
    shown: ShownLists | None = None,
) -> tuple[Epoch, ...]:
    """Fits a model's first objective by listwise softmax cross-entropy, as `fit_ranker` fits the default ranker.

    The loss is ListNet's top-one probability with one relevant candidate (Cao et al., ICML 2007) over sampled
    candidates, whose scores are corrected for how often they are drawn. Lists that were shown add `shown_loss`, as many
    of them in each step as makes every one of them come once an epoch.

    Args:
        model: As `BuildRanker` makes it. Fitted in place; left with the parameters of the best epoch.
        examples: What it learns from.
        validation: Decides when to stop, by NDCG@10; nothing is learned from it.
        tables: Features by row.
        config: Rates and limits.
        context: The circumstances of the fit.
        shown: What came of lists that were shown; None where none were.

    Returns:
        What every epoch gave.
    """
    device = context.placement.device
    lists = on_device(
        CandidateLists(
            torch.as_tensor(examples.users),
            torch.as_tensor(examples.history),
            torch.as_tensor(examples.candidates),
            tables,
        ),
        device,
    )
    judged = CandidateLists(
        torch.as_tensor(validation.users),
        torch.as_tensor(validation.history),
        torch.as_tensor(validation.lists),
        tables,
    )
    traffic = _Traffic(model, shown, tables, config.shown_weight, device) if shown is not None else None
    log_expected = on_device(torch.as_tensor(examples.log_expected), device)
    steps = -(-len(lists) // config.batch)

    def batches() -> Iterator[ListBatch]:
        turns = traffic.turns(steps) if traffic else (torch.empty(0, dtype=torch.int64),) * steps
        taken = torch.split(torch.randperm(len(lists)), config.batch)
        return starmap(ListBatch, zip(taken, turns, strict=True))

    def loss(batch: ListBatch) -> Tensor:
        taken, turn = batch
        scores = lists.score(model, taken) - log_expected[taken]
        total = nn.functional.cross_entropy(scores, torch.full((len(taken),), TARGET_COLUMN))
        if traffic and turn is not None and len(turn):
            total = total + traffic.loss(turn)
        return total + embedding_penalty(model, config)

    return fit_epochs(
        model,
        name="fit ranker",
        batches=batches,
        steps=steps,
        loss=loss,
        judge=lambda: ndcg_of_scores(judged.score_all(model), validation),
        config=config,
        context=context,
        share=ListBatch.share,
    )


class _Traffic:
    """Lists that were shown, and what they add to the loss."""

    def __init__(
        self, model: nn.Module, shown: ShownLists, tables: FeatureTables, weight: float, device: torch.device
    ) -> None:
        self._model = model
        lists = CandidateLists(
            torch.as_tensor(shown.users), torch.as_tensor(shown.history), torch.as_tensor(shown.candidates), tables
        )
        self._lists = on_device(lists, device)
        # What a list weighs is its gain over that of the others: the scale of rewards is nobody's learning rate.
        self._gains = on_device(torch.as_tensor(shown.gains / shown.gains.sum(axis=1).mean()), device)
        self._weight = weight

    def turns(self, steps: int) -> tuple[Tensor, ...]:
        """Returns which lists each step of an epoch takes; where there are fewer lists than steps, some take none."""
        return torch.tensor_split(torch.randperm(len(self._lists)), steps)

    def loss(self, lists: Tensor) -> Tensor:
        """Returns what these lists add to the loss of a step; at least one."""
        return self._weight * shown_loss(self._lists.score(self._model, lists), self._gains[lists])
