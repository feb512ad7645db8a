"""Bayesian matrix factorisation: the mean prediction of many models, drawn in proportion to how well each explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.stats
from pydantic import Field
from scipy.sparse import csr_array

from services.training.datasets.ratings import Ratings
from services.training.rating.model import RatingFamily
from services.training.recall.model import FitContext, ModelConfig

Factors = npt.NDArray[np.float64]


class BayesianFactorisationConfig(ModelConfig):
    """How large the models are and how many are drawn."""

    dimension: int = Field(default=20, ge=1, description="Factors of a user and of an item.")
    burn_in: int = Field(default=30, ge=0, description="Rounds of drawing before the first model that counts.")
    samples: int = Field(default=200, ge=1, description="Models whose predictions are averaged.")


@dataclass(frozen=True, slots=True, eq=False)
class SampledFactors:
    """Models that were drawn; a prediction is the mean of theirs.

    Attributes:
        mean: Of all ratings.
        users: float32 [samples, users, dimension].
        items: float32 [samples, items, dimension].
        scale: The lowest and the highest rating that was seen.
    """

    mean: float
    users: npt.NDArray[np.float32]
    items: npt.NDArray[np.float32]
    scale: tuple[float, float]

    def predict(self, users: npt.NDArray[np.int64], items: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Returns the expected ratings; see `RatingModel`."""
        total = np.zeros(len(users))
        for user_factors, item_factors in zip(self.users, self.items, strict=True):
            total += np.einsum("pd,pd->p", user_factors[users], item_factors[items])
        return np.clip(self.mean + total / len(self.users), *self.scale)

    @property
    def numbers(self) -> int:
        """How many numbers the model keeps."""
        return 1 + self.users.size + self.items.size


def fit_bayesian_factorisation(
    ratings: Ratings, config: BayesianFactorisationConfig, context: FitContext
) -> SampledFactors:
    """Draws models by Gibbs sampling (Salakhutdinov & Mnih, ICML 2008).

    A rating is normally distributed around the mean plus the product of the user's and the item's factors; those have
    normal priors whose means and covariances have the paper's Normal-Wishart priors. Unlike the paper, the precision of the
    ratings is drawn too, from its conjugate Gamma, instead of being set to 2.
    """
    rng = np.random.default_rng(context.seed)
    mean, dimension = float(ratings.values.mean()), config.dimension
    residuals = ratings.values - mean
    by_user = csr_array((residuals, (ratings.users, ratings.items)), shape=(ratings.num_users, ratings.num_items))
    by_item = by_user.T.tocsr()
    users = 0.1 * rng.standard_normal((ratings.num_users, dimension))
    items = 0.1 * rng.standard_normal((ratings.num_items, dimension))
    kept_users = np.empty((config.samples, *users.shape), dtype=np.float32)
    kept_items = np.empty((config.samples, *items.shape), dtype=np.float32)
    with context.display.stage("draw factors", config.burn_in + config.samples) as advance:
        for sweep in range(-config.burn_in, config.samples):
            errors = residuals - np.einsum("pd,pd->p", users[ratings.users], items[ratings.items])
            precision = rng.gamma(1.0 + len(ratings) / 2, 1 / (1.0 + errors @ errors / 2))
            users = draw_factors(by_user, items, draw_prior(users, rng), precision, rng)
            items = draw_factors(by_item, users, draw_prior(items, rng), precision, rng)
            if sweep >= 0:
                kept_users[sweep], kept_items[sweep] = users, items
            advance("")
    return SampledFactors(mean, kept_users, kept_items, (float(ratings.values.min()), float(ratings.values.max())))


@dataclass(frozen=True, slots=True, eq=False)
class NormalPrior:
    """Where the factors of one side come from.

    Attributes:
        mean: float64 [dimension].
        precision: float64 [dimension, dimension], the inverse of the covariance.
    """

    mean: Factors
    precision: Factors


def draw_prior(factors: Factors, rng: np.random.Generator) -> NormalPrior:
    """Draws the prior given the factors, from the Normal-Wishart with mean 0, beta 2, the identity, and as many degrees of
    freedom as there are dimensions (equation 14 of the paper).
    """  # noqa: D205 - the sentence is one
    count, dimension = factors.shape
    beta = 2.0
    average = factors.mean(axis=0)
    centred = factors - average
    scatter = np.eye(dimension) + centred.T @ centred + count * beta / (beta + count) * np.outer(average, average)
    scale = np.linalg.inv(scatter)
    precision = np.atleast_2d(scipy.stats.wishart(dimension + count, (scale + scale.T) / 2).rvs(random_state=rng))
    root = np.linalg.cholesky((beta + count) * precision)
    mean = count * average / (beta + count) + np.linalg.solve(root.T, rng.standard_normal(dimension))
    return NormalPrior(mean, precision)


def draw_factors(
    residuals: csr_array, others: Factors, prior: NormalPrior, precision: float, rng: np.random.Generator
) -> Factors:
    """Draws the factors of one side given those of the other: float64 [rows, dimension] (equation 11 of the paper).

    Args:
        residuals: [rows, others], ratings less their mean, where there are any.
        others: float64 [others, dimension].
        prior: Of the factors.
        precision: Of the ratings.
        rng: Draws.
    """
    means, precisions = posterior(residuals, others, prior, precision)
    roots = np.linalg.cholesky(precisions)
    noise = rng.standard_normal((len(means), others.shape[1], 1))
    drawn: Factors = means + np.linalg.solve(np.swapaxes(roots, 1, 2), noise)[:, :, 0]
    return drawn


def posterior(residuals: csr_array, others: Factors, prior: NormalPrior, precision: float) -> tuple[Factors, Factors]:
    """Returns mean [rows, dimension] and precision [rows, dimension, dimension] of each row's factors; see `draw_factors`."""
    dimension = others.shape[1]
    rated = residuals.copy()
    rated.data = np.ones_like(rated.data)
    # All rows' sums of outer products at once, as one product with a sparse matrix.
    outer = (others[:, :, None] * others[:, None, :]).reshape(len(others), -1)
    precisions = prior.precision + precision * (rated @ outer).reshape(-1, dimension, dimension)
    weighted = prior.precision @ prior.mean + precision * (residuals @ others)
    return np.linalg.solve(precisions, weighted[:, :, None])[:, :, 0], precisions


BAYESIAN_MF = RatingFamily(
    name="bayesian_mf",
    summary="Bayesian matrix factorisation by Gibbs sampling (Salakhutdinov & Mnih, ICML 2008)",
    config=BayesianFactorisationConfig,
    fit=fit_bayesian_factorisation,
)
