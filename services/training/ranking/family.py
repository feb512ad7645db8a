"""Fitting a ranking model of any family to recall's candidates: what a training job calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from services.training.config import RankerConfig
from services.training.optimisation import Epoch
from services.training.ranking.examples import RankingExamples
from services.training.ranking.fitting import fit_ranker
from services.training.ranking.listwise import fit_lists
from services.training.ranking.model import RankerFamily, RankerModelConfig, RankerShape
from services.training.ranking.prepared import FeatureTables
from services.training.ranking.ranker import Ranker
from services.training.ranking.shown import ShownLists
from services.training.recall.model import FitContext
from services.training.recall_lists import ListedQueries


@dataclass(frozen=True, slots=True, eq=False)
class RankingData:
    """What a ranking model may learn from.

    Attributes:
        shape: Of all the rest.
        examples: What followed, among other candidates of recall.
        validation: Decides when to stop; nothing else is learned from it.
        tables: Features by row.
        shown: What came of lists that were shown; None where none were.
    """

    shape: RankerShape
    examples: RankingExamples
    validation: ListedQueries
    tables: FeatureTables
    shown: ShownLists | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FittedRanker:
    """A fitted ranking model.

    Attributes:
        model: In evaluation mode; `BuildRanker` says what it computes, and `export_ranker` exports it.
        epochs: What every epoch of the fit gave.
    """

    model: nn.Module
    epochs: tuple[Epoch, ...]


def fit_ranker_family(
    family: RankerFamily[Any], data: RankingData, config: RankerModelConfig, context: FitContext
) -> FittedRanker:
    """Makes a model of a family and fits it listwise.

    Args:
        family: From `registry.RANKERS`.
        data: What it may learn from.
        config: Of `family.config`.
        context: The circumstances of the fit; equal seeds, data and threads give equal models on one machine.

    Raises:
        Unsuitable: the data lack what the model needs.
    """
    torch.manual_seed(context.seed)
    model = family.build(data.shape, config)
    if isinstance(model, Ranker):
        return FittedRanker(model, _fit_prepared(model, data, config, context))
    epochs = fit_lists(
        model, data.examples, data.validation, data.tables, config=config, context=context, shown=data.shown
    )
    return FittedRanker(model, epochs)


def _fit_prepared(
    ranker: Ranker, data: RankingData, config: RankerModelConfig, context: FitContext
) -> tuple[Epoch, ...]:
    """Most of the default ranker is not fitted: its way of fitting computes that part once."""
    limits = config.model_dump(include=set(RankerConfig.model_fields))
    fit = fit_ranker(
        ranker,
        data.examples,
        data.validation,
        data.tables,
        config=RankerConfig(**limits),
        seed=context.seed,
        display=context.display,
        shown=data.shown,
        run=context.run,
        placement=context.placement,
    )
    return fit.epochs
