"""Fitting the ranker, and scoring lists with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from services.training.config import RankerConfig
from services.training.metrics import ndcg
from services.training.metrics.lists import NO_ITEM
from services.training.optimisation import Descent, EarlyStopping, Epoch
from services.training.progress import ProgressDisplay
from services.training.ranking.examples import TARGET_COLUMN, RankingExamples
from services.training.ranking.ranker import Ranker
from services.training.recall_lists import ListedQueries, order_lists, rank_in_lists

_NEVER = -1e9
_LISTS_AT_A_TIME = 16
_STANDARDISED_ON = 512
_WEIGHT_DECAY = 1e-2


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTables:
    """The features of everybody and everything, by row.

    Attributes:
        users: float [users, user features].
        items: float [items, item features].
    """

    users: Tensor
    items: Tensor


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
    config: RankerConfig,
    seed: int,
    display: ProgressDisplay,
) -> RankerFit:
    """Fits the ranker to put what followed above the other candidates, by listwise softmax cross-entropy.

    The loss is ListNet's top-one probability with one relevant candidate (Cao et al., ICML 2007) over sampled
    candidates, whose scores are corrected for how often they are drawn.

    Args:
        ranker: Fitted in place; left in evaluation mode with the parameters of the best epoch.
        examples: What it learns from.
        validation: Decides when to stop.
        tables: Features by row.
        config: Rates and limits.
        seed: Of dropout and of the order of the examples.
        display: Told after every step.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    ranker.standardise(_signals_of(ranker, examples.take(rng.permutation(len(examples))[:_STANDARDISED_ON]), tables))
    steps = -(-len(examples) // config.batch)
    descent = Descent(ranker, config.learning_rate, steps * config.epochs, _WEIGHT_DECAY)
    stopping = EarlyStopping(config.patience)
    with display.stage("fit ranker", steps * config.epochs) as advance:
        for _ in range(config.epochs):
            ranker.train()
            losses = []
            order = rng.permutation(len(examples))
            for start in range(0, len(examples), config.batch):
                part = examples.take(order[start : start + config.batch])
                scores = _score(ranker, part.users, part.history, part.candidates, tables)
                scores = scores - torch.as_tensor(part.log_expected)
                target = torch.full((len(part),), TARGET_COLUMN)
                losses.append(descent.step(nn.functional.cross_entropy(scores, target)))
                advance("")
            epoch = Epoch(float(np.mean(losses)), _validation_ndcg(ranker, validation, tables))
            advance(f"loss {epoch.loss:.3f} NDCG@10 {epoch.ndcg:.4f}")
            if stopping.record(ranker, epoch):
                break
    stopping.restore(ranker)
    return RankerFit(tuple(stopping.epochs), stopping.best)


def score_lists(ranker: Ranker, queries: ListedQueries, tables: FeatureTables) -> npt.NDArray[np.float32]:
    """Scores every candidate of every list: float32 [queries, places], hugely negative at `NO_ITEM`."""
    ranker.eval()
    scores = np.empty(queries.lists.shape, dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(queries), _LISTS_AT_A_TIME):
            part = slice(start, start + _LISTS_AT_A_TIME)
            scored = _score(ranker, queries.users[part], queries.history[part], queries.lists[part], tables)
            scores[part] = scored.numpy()
    return scores


def _validation_ndcg(ranker: Ranker, validation: ListedQueries, tables: FeatureTables) -> float:
    if not len(validation):
        return 0.0
    ordered = order_lists(validation.lists, score_lists(ranker, validation, tables))
    return float(ndcg(rank_in_lists(ordered, validation.targets, missed=len(tables.items) + 1), 10).mean())


def _score(
    ranker: Ranker,
    users: npt.NDArray[np.int64],
    history: npt.NDArray[np.int64],
    candidates: npt.NDArray[np.int64],
    tables: FeatureTables,
) -> Tensor:
    """Scores candidates [queries, places] of each query: float [queries, places]."""
    rows = torch.as_tensor(candidates).clamp(min=0).flatten()
    query = torch.arange(len(candidates)).repeat_interleave(candidates.shape[1])
    scores = ranker(torch.as_tensor(history), tables.users[users], rows, tables.items[rows], query)[:, 0]
    return scores.reshape(candidates.shape).masked_fill(torch.as_tensor(candidates == NO_ITEM), _NEVER)


def _signals_of(ranker: Ranker, examples: RankingExamples, tables: FeatureTables) -> Tensor:
    rows = torch.as_tensor(examples.candidates).clamp(min=0).flatten()
    query = torch.arange(len(examples)).repeat_interleave(examples.candidates.shape[1])
    with torch.no_grad():
        signals: Tensor = ranker.signals(torch.as_tensor(examples.history), rows, tables.items[rows], query)
    return signals
