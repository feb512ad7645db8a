"""Fitting any ranking model to who met what: every item of a history against items that the user has not met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from services.training.datasets import Sequences
from services.training.fitting import fit_epochs
from services.training.metrics import ndcg, rank_of_target
from services.training.metrics.lists import NO_ITEM
from services.training.optimisation import Epoch, epoch_rng
from services.training.queries import NextItemQueries
from services.training.ranking.candidate_lists import NEVER
from services.training.ranking.candidate_scores import CandidateQueries, score_candidates
from services.training.ranking.feature_tables import FeatureTables
from services.training.ranking.fields import embedding_penalty
from services.training.ranking.held_back import HeldBack, Histories, Shown
from services.training.ranking.model import RankerModelConfig
from services.training.recall.model import FitContext, ModelConfig
from services.training.sequence.windows import pad_histories

_VALIDATION_NEGATIVES = 99


class SampledPairsConfig(ModelConfig):
    """How pairs are sampled, beside the settings of the model itself."""

    negatives: int = Field(
        default=4, ge=1, description="Items that the user has not met, drawn for each that they did."
    )
    parts: int = Field(default=5, ge=2, description="Parts that a history is cut into; each is asked for by itself.")
    shown: Shown = Field(
        default="rest", description="What a part is asked for from: all the rest, or what came before it alone."
    )
    loss: Literal["binary", "softmax"] = Field(
        default="binary", description="Each pair by itself, or which of an item and its negatives was met."
    )


def fit_sampled_pairs(
    model: nn.Module,
    events: Sequences,
    validation: NextItemQueries,
    tables: FeatureTables,
    *,
    sampling: SampledPairsConfig,
    config: RankerModelConfig,
    context: FitContext,
) -> tuple[Epoch, ...]:
    """Fits a model's first objective to tell what users met from what they did not (He et al., WWW 2017).

    An item is asked for from a history without it: with it, models of the history would learn to find what they are
    shown. Parts of a history are held back together, so that what is left of it is encoded once for all of them.

    Args:
        model: As `BuildRanker` makes it. Fitted in place; left with the parameters of the best epoch.
        events: What it learns from.
        validation: Decides when to stop, by NDCG@10 of the target among 99 items that the user has not met; nothing is
            learned from it.
        tables: Features by row.
        sampling: How pairs are sampled.
        config: Rates and limits; `batch` counts items that were met.
        context: The circumstances of the fit.

    Returns:
        What every epoch gave.
    """
    histories = Histories(events, len(tables.items))
    asked = _among_unmet(validation, histories, np.random.default_rng(context.seed))

    def batches() -> Iterator[tuple[HeldBack, Tensor]]:
        rng = epoch_rng()
        for held in histories.hold_back(sampling.parts, config.batch, sampling.shown, rng):
            negatives = histories.draw_unmet(held.users[held.query], sampling.negatives, rng)
            yield held, torch.as_tensor(np.column_stack([held.asked, negatives]))

    def loss(batch: tuple[HeldBack, Tensor]) -> Tensor:
        held, candidates = batch
        scores = _scores(model, held, candidates, tables, context.max_history)
        return pairs_loss(scores, candidates != NO_ITEM, sampling.loss) + embedding_penalty(model, config)

    def judge() -> float:
        scores = score_candidates(model, asked, tables, context.max_history)
        ranks = rank_of_target(scores, np.zeros(len(scores), dtype=np.int64))
        return float(ndcg(ranks, 10).mean())

    return fit_epochs(
        model,
        name="fit ranker to pairs",
        batches=batches,
        steps=-(-len(events.items) // config.batch),
        loss=loss,
        judge=judge,
        config=config,
        context=context,
    )


def pairs_loss(scores: Tensor, there: Tensor, kind: Literal["binary", "softmax"]) -> Tensor:
    """Returns the mean loss of what was met and of what was drawn beside it.

    Args:
        scores: float [positives, 1 + negatives], the item that was met first.
        there: bool, the same shape; False where no negative could be drawn.
        kind: "binary" is cross-entropy of each pair, "softmax" that of the first among all of its row.
    """
    if kind == "binary":
        labels = torch.zeros_like(scores)
        labels[:, 0] = 1.0
        return nn.functional.binary_cross_entropy_with_logits(scores[there], labels[there])
    first = torch.zeros(len(scores), dtype=torch.int64)
    return nn.functional.cross_entropy(scores.masked_fill(~there, NEVER), first)


def _among_unmet(validation: NextItemQueries, histories: Histories, rng: np.random.Generator) -> CandidateQueries:
    """The queries with their target first, and beside it what the user has not met."""
    unmet = histories.draw_unmet(validation.users, _VALIDATION_NEGATIVES, rng)
    unmet[unmet == validation.targets[:, None]] = NO_ITEM
    candidates = np.column_stack([validation.targets, unmet])
    return CandidateQueries(validation.users, validation.histories, candidates)


def _scores(model: nn.Module, held: HeldBack, candidates: Tensor, tables: FeatureTables, max_history: int) -> Tensor:
    """Scores of the candidates of each positive: float [positives, 1 + negatives]."""
    length = max(1, min(max_history, max(len(shown) for shown in held.shown)))
    history = torch.as_tensor(pad_histories(held.shown, length))
    rows = candidates.clamp(min=0).flatten()
    query = torch.as_tensor(held.query).repeat_interleave(candidates.shape[1])
    scores: Tensor = model(history, tables.users[held.users], rows, tables.items[rows], query)
    return scores[:, 0].reshape(candidates.shape)
