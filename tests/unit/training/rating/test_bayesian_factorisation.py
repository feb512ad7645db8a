"""Bayesian matrix factorisation."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from services.training.datasets.ratings import Ratings
from services.training.metrics import rmse
from services.training.progress import Silence
from services.training.rating.bayesian_factorisation import (
    BAYESIAN_MF,
    NormalPrior,
    draw_factors,
    draw_prior,
    fit_bayesian_factorisation,
    posterior,
)
from services.training.rating.biases import BIASES, fit_biases
from services.training.recall.model import FitContext

CONTEXT = FitContext(seed=0, max_history=1, threads=1, display=Silence())
PRIOR = NormalPrior(np.array([0.5, -1.0]), np.array([[2.0, 0.3], [0.3, 1.0]]))
OTHERS = np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5]])
RESIDUALS = csr_array(np.array([[0.5, 0.0, -1.5], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]))


def test_the_posterior_of_each_row_is_that_of_bayesian_regression() -> None:
    """Worked out row by row from the formulas; a row without ratings has the prior."""
    means, precisions = posterior(RESIDUALS, OTHERS, PRIOR, precision=4.0)
    for row, rated in enumerate(([0, 2], [1], [])):
        known, values = OTHERS[rated], RESIDUALS.toarray()[row, rated]
        precision = PRIOR.precision + 4.0 * known.T @ known
        mean = np.linalg.inv(precision) @ (PRIOR.precision @ PRIOR.mean + 4.0 * known.T @ values)
        np.testing.assert_allclose(precisions[row], precision)
        np.testing.assert_allclose(means[row], mean)


def test_drawn_factors_have_the_mean_and_the_covariance_of_the_posterior() -> None:
    """Over many draws."""
    rng = np.random.default_rng(0)
    prior = NormalPrior(np.zeros(2), np.array([[2.0, 0.9], [0.9, 0.5]]))
    means, precisions = posterior(RESIDUALS, OTHERS, prior, precision=0.05)
    draws = np.stack([draw_factors(RESIDUALS, OTHERS, prior, 0.05, rng) for _ in range(20_000)])
    for row in range(3):
        covariance = np.linalg.inv(precisions[row])
        np.testing.assert_allclose(np.cov(draws[:, row].T), covariance, rtol=0.05)
        np.testing.assert_allclose(draws[:, row].mean(axis=0), means[row], atol=0.05 * np.sqrt(covariance.max()))


def test_a_drawn_prior_is_about_where_the_factors_are() -> None:
    """With many factors the hyperprior hardly matters."""
    rng = np.random.default_rng(1)
    covariance = np.array([[1.0, 0.6], [0.6, 2.0]])
    factors = rng.multivariate_normal([3.0, -2.0], covariance, size=4000)
    drawn = [draw_prior(factors, rng) for _ in range(50)]
    np.testing.assert_allclose(np.mean([one.mean for one in drawn], axis=0), [3.0, -2.0], atol=0.1)
    np.testing.assert_allclose(np.linalg.inv(np.mean([one.precision for one in drawn], axis=0)), covariance, atol=0.15)


def planted() -> tuple[Ratings, Ratings]:
    """Ratings of a model with two factors and noise of half a star: those to learn from, and others."""
    rng = np.random.default_rng(4)
    users, items = rng.standard_normal((80, 2)), rng.standard_normal((60, 2))
    cells = rng.permutation(80 * 60)[:3000]
    rows, columns = cells // 60, cells % 60
    values = 3 + np.einsum("pd,pd->p", users[rows], items[columns]) + rng.normal(0, 0.5, 3000)
    ratings = Ratings(rows, columns, values, 80, 60)
    return ratings.take(np.arange(2400)), ratings.take(np.arange(2400, 3000))


def test_what_was_planted_is_found_up_to_the_noise() -> None:
    """Which the biases alone cannot."""
    known, asked = planted()
    config = BAYESIAN_MF.config(dimension=4, burn_in=10, samples=30)
    error = rmse(asked.values, fit_bayesian_factorisation(known, config, CONTEXT).predict(asked.users, asked.items))
    baseline = rmse(asked.values, fit_biases(known, BIASES.config(), CONTEXT).predict(asked.users, asked.items))
    assert error < 0.58
    assert baseline > 1.2


def test_the_same_seed_draws_the_same_models() -> None:
    """And predictions stay within the scale of what was seen."""
    known, asked = planted()
    config = BAYESIAN_MF.config(dimension=2, burn_in=1, samples=2)
    first, second = (fit_bayesian_factorisation(known, config, CONTEXT) for _ in range(2))
    np.testing.assert_array_equal(first.users, second.users)
    predicted = first.predict(asked.users, asked.items)
    assert known.values.min() <= predicted.min() <= predicted.max() <= known.values.max()
    assert first.numbers == pytest.approx(1 + 2 * (80 + 60) * 2)
