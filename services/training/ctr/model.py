"""What a model of clicks is: fitted to labelled rows, it gives the log-odds of a click for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from services.training.ctr.click_logs import ClickLogs
from services.training.optimisation import Epoch
from services.training.ranking.labels import LabelledRows
from services.training.recall.model import FitContext, ModelConfig

LogOdds = npt.NDArray[np.float32]


class ClickModel(Protocol):
    """A fitted model."""

    @property
    def numbers(self) -> int:
        """How many numbers it is made of."""

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """What every epoch of the fit gave, judged by the area under the ROC curve; empty where it had none."""

    def log_odds(self, rows: LabelledRows) -> LogOdds:
        """Returns the log-odds that each row was clicked: float32 [rows]."""


Config = TypeVar("Config", bound=ModelConfig)
Config_contra = TypeVar("Config_contra", bound=ModelConfig, contravariant=True)


class FitClicks(Protocol[Config_contra]):
    """Fits a model of clicks."""

    def __call__(self, logs: ClickLogs, config: Config_contra, context: FitContext) -> ClickModel:
        """Learns from `logs.train`, stops by `logs.valid`, and looks at nothing else."""


@dataclass(frozen=True, slots=True)
class ClickFamily(Generic[Config]):
    """A kind of model of clicks, as the registry lists it.

    Attributes:
        name: As commands call it.
        summary: What it is, in a line, with its source.
        config: Its settings.
        fit: Fits it.
        settings: What it has for clicks in place of its defaults.
    """

    name: str
    summary: str
    config: type[Config]
    fit: FitClicks[Config]
    settings: Mapping[str, Any] = field(default_factory=dict)
