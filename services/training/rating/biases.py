"""The baseline of rating prediction: a mean, and how far each user and each item is from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import spsolve

from services.training.datasets.ratings import Ratings
from services.training.rating.model import RatingFamily
from services.training.recall.model import FitContext, ModelConfig


class BiasesConfig(ModelConfig):
    """How far the baseline is held back."""

    regularisation: float = Field(
        default=5.0, gt=0, description="Added to each user's and item's own count of ratings."
    )


@dataclass(frozen=True, slots=True, eq=False)
class Biases:
    """A rating is the mean, plus what the user adds, plus what the item adds.

    Attributes:
        mean: Of all ratings.
        users: float64 [users].
        items: float64 [items].
        scale: The lowest and the highest rating that was seen.
    """

    mean: float
    users: npt.NDArray[np.float64]
    items: npt.NDArray[np.float64]
    scale: tuple[float, float]

    def predict(self, users: npt.NDArray[np.int64], items: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Returns the expected ratings; see `RatingModel`."""
        return np.clip(self.mean + self.users[users] + self.items[items], *self.scale)

    @property
    def numbers(self) -> int:
        """How many numbers the model keeps."""
        return 1 + len(self.users) + len(self.items)


def fit_biases(ratings: Ratings, config: BiasesConfig, context: FitContext) -> Biases:
    """Solves the regularised least squares of all biases together (Koren, KDD 2008, equation 5), exactly."""
    with context.display.stage("solve biases", 1) as advance:
        mean = float(ratings.values.mean())
        count = len(ratings)
        rows = np.tile(np.arange(count), 2)
        columns = np.concatenate([ratings.users, ratings.num_users + ratings.items])
        width = ratings.num_users + ratings.num_items
        design = csr_array((np.ones(2 * count), (rows, columns)), shape=(count, width))
        normal = design.T @ design + config.regularisation * diags_array(np.ones(width))
        solved = spsolve(normal.tocsc(), design.T @ (ratings.values - mean))
        advance("")
    scale = (float(ratings.values.min()), float(ratings.values.max()))
    return Biases(mean, solved[: ratings.num_users], solved[ratings.num_users :], scale)


BIASES = RatingFamily(
    name="biases",
    summary="The mean with a bias for each user and item, in closed form (Koren, KDD 2008): the baseline",
    config=BiasesConfig,
    fit=fit_biases,
)
