"""EASE against its own definition."""

import numpy as np
import pytest

from services.training.recall.ease import EaseConfig, fit_ease
from services.training.recall.model import Unsuitable
from tests.unit.training.recall.small import ITEMS, MET, context, interactions, scores, small_data


def test_each_column_is_the_ridge_regression_of_an_item_on_all_others() -> None:
    """Solved one by one, with the item itself left out of the equations."""
    model = fit_ease(small_data(), EaseConfig(regularisation=0.7), context())
    matrix = interactions()
    for item in range(ITEMS):
        others = np.delete(np.arange(ITEMS), item)
        stacked = np.vstack([matrix[:, others], np.sqrt(0.7) * np.eye(ITEMS - 1)])
        wanted = np.concatenate([matrix[:, item], np.zeros(ITEMS - 1)])
        expected = np.linalg.lstsq(stacked, wanted, rcond=None)[0]
        np.testing.assert_allclose(model.item_vectors[item, others], expected, atol=1e-6)
        assert model.item_vectors[item, item] == 0.0


def test_a_history_scores_the_sum_of_what_its_items_say() -> None:
    """However often each came."""
    model = fit_ease(small_data(), EaseConfig(), context())
    np.testing.assert_allclose(scores(model, MET), interactions() @ model.item_vectors.T, atol=1e-6)


def test_a_catalogue_that_is_too_large_is_refused_with_a_way_out() -> None:
    """Rather than memory running out after an hour."""
    with pytest.raises(Unsuitable, match="choose spectral, or raise max_items"):
        fit_ease(small_data(), EaseConfig(max_items=5), context())
