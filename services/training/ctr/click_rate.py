"""The baseline that every model of clicks must beat: how often an item was clicked, whoever was asked and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field

from services.training.ctr.click_logs import ClickLogs
from services.training.ctr.model import ClickFamily, LogOdds
from services.training.optimisation import Epoch
from services.training.ranking.labels import LabelledRows
from services.training.recall.model import FitContext, ModelConfig


class ClickRateConfig(ModelConfig):
    """Settings of the baseline."""

    prior: float = Field(default=1.0, gt=0, description="Rows of average outcome that every item begins with.")


@dataclass(frozen=True, slots=True, eq=False)
class ClickRate:
    """A rate for each item.

    Attributes:
        rates: float64 [items], between 0 and 1.
    """

    rates: npt.NDArray[np.float64]

    @property
    def numbers(self) -> int:
        """One for each item."""
        return len(self.rates)

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """None: it is counted."""
        return ()

    def log_odds(self, rows: LabelledRows) -> LogOdds:
        """Returns the log-odds of the items of the rows; see `ClickModel`."""
        rates = self.rates[rows.candidates.numpy()]
        odds: LogOdds = np.log(rates / (1.0 - rates)).astype(np.float32)
        return odds


def fit_click_rate(logs: ClickLogs, config: ClickRateConfig, context: FitContext) -> ClickRate:  # noqa: ARG001
    """Counts; an item that training never met has the rate of all rows."""
    items, labels = logs.train.candidates.numpy(), logs.train.labels[:, 0].numpy().astype(np.float64)
    size = len(logs.items)
    clicks, rows = np.bincount(items, labels, minlength=size), np.bincount(items, minlength=size)
    return ClickRate((clicks + config.prior * labels.mean()) / (rows + config.prior))


CLICK_RATE = ClickFamily(
    name="click_rate",
    summary="How often an item was clicked, the same for everybody: the baseline",
    config=ClickRateConfig,
    fit=fit_click_rate,
)
