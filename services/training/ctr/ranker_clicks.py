"""Ranking models as models of clicks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from services.training.ctr.click_logs import ClickLogs
from services.training.ctr.model import ClickFamily, FitClicks, LogOdds
from services.training.ctr.settings import settings_for
from services.training.optimisation import Epoch
from services.training.ranking.labels import LabelledRows, fit_labels, score_rows
from services.training.ranking.model import RankerFamily, RankerModelConfig
from services.training.recall.model import FitContext


@dataclass(frozen=True, slots=True, eq=False)
class RankerClicks:
    """A fitted ranking model.

    Attributes:
        model: In evaluation mode.
        item_features: float32 [items, item features].
        epochs: What every epoch of the fit gave.
    """

    model: nn.Module
    item_features: torch.Tensor
    epochs: tuple[Epoch, ...]

    @property
    def numbers(self) -> int:
        """Parameters and buffers."""
        return sum(tensor.numel() for tensor in (*self.model.parameters(), *self.model.buffers()))

    def log_odds(self, rows: LabelledRows) -> LogOdds:
        """Returns the scores, which cross-entropy makes log-odds of; see `ClickModel`."""
        return score_rows(self.model, rows, self.item_features)[:, 0]


def click_family(family: RankerFamily[Any]) -> ClickFamily[Any]:
    """Returns a family of ranking models as one of models of clicks: fitted row by row, by cross-entropy."""
    return ClickFamily(family.name, family.summary, family.config, _fitting(family), settings_for(family))


def _fitting(family: RankerFamily[Any]) -> FitClicks[RankerModelConfig]:
    def fit(logs: ClickLogs, config: RankerModelConfig, context: FitContext) -> RankerClicks:
        torch.manual_seed(context.seed)
        model = family.make(logs.shape, config)
        items = logs.item_features
        epochs = fit_labels(model, logs.train, logs.valid, items, kind="binary", config=config, context=context)
        return RankerClicks(model, items, epochs)

    return fit
