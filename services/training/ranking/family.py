"""Fitting a ranking model of any family to recall's candidates: what a training job calls."""

from __future__ import annotations

from typing import Any

import torch

from services.training.ranking.listwise import fit_lists
from services.training.ranking.model import FittedRanker, RankerFamily, RankingData
from services.training.ranking.on_recall import OnRecall
from services.training.ranking.ranker import Ranker
from services.training.recall.model import FitContext


def fit_ranker_family(family: RankerFamily[Any], data: RankingData, config: Any, context: FitContext) -> FittedRanker:
    """Makes a model of a family and fits it, in the family's own way or else listwise.

    Args:
        family: From `registry.RANKERS`.
        data: What it may learn from.
        config: Of `family.config`.
        context: The circumstances of the fit; equal seeds, data and threads give equal models on one machine.

    Raises:
        Unsuitable: the data lack what the model needs.
    """
    if family.fit is not None:
        return family.fit(data, config, context)
    torch.manual_seed(context.seed)
    model = family.make(data.shape, config)
    if data.begin_with_recall and data.shape.signals is not None and not isinstance(model, Ranker):
        model = OnRecall(model, data.shape.signals)
        model.take_scale(data)
    epochs = fit_lists(model, data, config, context)
    return FittedRanker(model, data.shape.objectives, epochs)
