"""The baseline of rating prediction."""

import numpy as np
from sklearn.linear_model import Ridge

from services.training.datasets.ratings import Ratings
from services.training.progress import Silence
from services.training.rating.biases import BIASES, fit_biases
from services.training.recall.model import FitContext

CONTEXT = FitContext(seed=0, max_history=1, threads=1, display=Silence())


def test_the_biases_are_those_of_ridge_regression() -> None:
    """On one column for each user and item, as scikit-learn solves it."""
    rng = np.random.default_rng(0)
    users, items, values = rng.integers(0, 7, 60), rng.integers(0, 9, 60), rng.integers(1, 6, 60).astype(float)
    model = fit_biases(Ratings(users, items, values, 7, 9), BIASES.config(regularisation=3.0), CONTEXT)
    design = np.zeros((60, 16))
    design[np.arange(60), users] = design[np.arange(60), 7 + items] = 1
    ridge = Ridge(alpha=3.0, fit_intercept=False).fit(design, values - values.mean())
    np.testing.assert_allclose(np.concatenate([model.users, model.items]), ridge.coef_, atol=1e-8)


def test_who_rated_nothing_is_like_everybody_and_no_prediction_leaves_the_scale() -> None:
    """User 2 gets the item's own; an item that all love stays at five stars."""
    ratings = Ratings(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]), np.array([5.0, 5.0, 1.0, 1.0]), 3, 2)
    model = fit_biases(ratings, BIASES.config(regularisation=1e-9), CONTEXT)
    np.testing.assert_allclose(model.predict(np.array([2, 2]), np.array([0, 1])), [5.0, 1.0], atol=1e-6)
    assert model.predict(np.array([0, 1]), np.array([0, 1])).max() <= 5.0
