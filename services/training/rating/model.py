"""What a rating model is given to learn from, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol

import numpy as np
import numpy.typing as npt

from services.training.datasets.ratings import Ratings
from services.training.recall.model import Config, Config_contra, FitContext


class RatingModel(Protocol):
    """A fitted model."""

    def predict(self, users: npt.NDArray[np.int64], items: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Returns the expected rating of each pair, within the scale of what was learned from: float64 [pairs]."""

    @property
    def numbers(self) -> int:
        """How many numbers the model keeps."""


class FitRating(Protocol[Config_contra]):
    """Fits a rating model."""

    def __call__(self, ratings: Ratings, config: Config_contra, context: FitContext) -> RatingModel:
        """Learns from at least one rating."""


@dataclass(frozen=True, slots=True)
class RatingFamily(Generic[Config]):
    """A kind of rating model, as the registry lists it.

    Attributes:
        name: As commands call it: lower case, digits and underscores.
        summary: What it is, in a line, with its source.
        config: Its settings; without arguments, the defaults.
        fit: Fits it.
    """

    name: str
    summary: str
    config: type[Config]
    fit: FitRating[Config]
