"""Item neighbours against similarities written out, and the reasons they give."""

import numpy as np
import pytest

from services.training.recall.ease import EaseConfig, fit_ease
from services.training.recall.ials import IalsConfig, fit_ials
from services.training.recall.item_to_item import ItemToItemConfig, fit_item_to_item
from services.training.recall.reasons import reasons
from tests.unit.training.recall.small import ITEMS, MET, context, interactions, scores, small_data

#: The cosine as it is in books.
PLAIN = ItemToItemConfig(user_exponent=0.0)


def cosines(shrinkage: float = 0.0) -> np.ndarray:
    """Shared people over the product of lengths, 0 for an item with itself."""
    matrix = interactions()
    lengths = np.sqrt(matrix.sum(axis=0))
    similarity = matrix.T @ matrix / (np.outer(lengths, lengths) + shrinkage)
    np.fill_diagonal(similarity, 0.0)
    return np.asarray(similarity)


@pytest.mark.parametrize("shrinkage", [0.0, 3.0])
def test_a_history_scores_the_sum_of_cosines(shrinkage: float) -> None:
    """Written out with dense matrices."""
    model = fit_item_to_item(small_data(), PLAIN.model_copy(update={"shrinkage": shrinkage}), context())
    np.testing.assert_allclose(scores(model, MET), interactions() @ cosines(shrinkage), atol=1e-6)


def test_a_walk_from_an_item_over_its_people_to_another_is_one_of_the_similarities() -> None:
    """RP3beta: each step to one of so many, at random; where it ends, over a power of how many come there."""
    matrix = interactions()
    people_of, items_of = (np.maximum(matrix.sum(axis=axis), 1.0) for axis in (0, 1))
    expected = (matrix.T / people_of[:, None]) @ (matrix / items_of[:, None]) / people_of**0.6
    np.fill_diagonal(expected, 0.0)
    config = ItemToItemConfig(user_exponent=1.0, history_exponent=1.0, candidate_exponent=0.6)
    model = fit_item_to_item(small_data(), config, context())
    np.testing.assert_allclose(scores(model, MET), matrix @ expected, atol=1e-6)


def test_bm25_lets_people_who_met_little_say_more() -> None:
    """Items are documents and people their terms: weights by the formula, similarity by inner product."""
    matrix = interactions()
    config = ItemToItemConfig(weighting="bm25", saturation=2.0, length_share=0.5)
    lengths, counts = matrix.sum(axis=0), matrix.sum(axis=1)
    idf = np.log(1.0 + (ITEMS - counts + 0.5) / (counts + 0.5))
    weights = matrix.T * idf * 3.0 / (1.0 + 2.0 * (0.5 + 0.5 * lengths / lengths.mean())[:, None])
    similarity = weights @ weights.T
    np.fill_diagonal(similarity, 0.0)
    np.testing.assert_allclose(
        scores(fit_item_to_item(small_data(), config, context()), MET), matrix @ similarity, rtol=1e-5, atol=1e-6
    )


def test_an_item_of_a_history_speaks_for_its_nearest_alone() -> None:
    """With two neighbours an item, the third nearest gets nothing."""
    model = fit_item_to_item(small_data(), PLAIN.model_copy(update={"neighbours": 2}), context())
    given, full = scores(model, [(item,) for item in range(ITEMS)]), cosines()
    for item in range(ITEMS):
        assert np.count_nonzero(given[item]) <= 2
        np.testing.assert_allclose(np.sort(given[item])[-2:], np.sort(full[item])[-2:], atol=1e-6)


def test_a_large_catalogue_gets_the_best_approximation_of_few_directions() -> None:
    """As the singular value decomposition gives it; with all directions nothing is lost."""
    whole = PLAIN.model_copy(update={"max_full_items": 2, "dimension": ITEMS})
    np.testing.assert_allclose(
        scores(fit_item_to_item(small_data(), whole, context()), MET), interactions() @ cosines(), atol=1e-5
    )
    model = fit_item_to_item(small_data(), whole.model_copy(update={"dimension": 3}), context())
    left, values, right = np.linalg.svd(cosines())
    approximate = left[:, :3] * values[:3] @ right[:3]
    np.testing.assert_allclose(scores(model, MET), interactions() @ approximate, atol=1e-5)
    assert model.item_vectors.shape == (ITEMS, 3)


def test_reasons_are_the_items_of_the_history_that_say_most_and_add_up_to_the_score() -> None:
    """An item that says nothing is no reason, and one that came twice counts once."""
    model = fit_item_to_item(small_data(), PLAIN, context())
    history, item = [0, 5, 1, 3, 1], 2
    given = reasons(model, history, item, most=10)
    assert [reason.item for reason in given] == [1, 3, 5, 0]
    np.testing.assert_allclose([reason.contribution for reason in given], cosines()[[1, 3, 5, 0], item], rtol=1e-5)
    assert sum(reason.contribution for reason in given) == pytest.approx(scores(model, [history])[0, item], rel=1e-5)
    assert reasons(model, history, item, most=1) == given[:1]
    assert reasons(model, [], item) == ()


def test_what_speaks_against_an_item_is_no_reason_for_it() -> None:
    """EASE has weights below 0."""
    model = fit_ease(small_data(), EaseConfig(regularisation=0.1), context())
    weights = model.item_vectors[0]
    against = int(weights.argmin())
    assert weights[against] < 0
    assert reasons(model, [against], 0) == ()
    (reason,) = reasons(model, [1, against], 0)
    assert reason.item == 1
    assert reason.contribution == pytest.approx(float(weights[1]))


def test_a_model_whose_query_is_no_sum_has_no_such_reasons() -> None:
    """Rather than wrong ones: implicit ALS weighs items of a history against each other."""
    model = fit_ials(small_data(), IalsConfig(dimension=4, sweeps=3), context())
    with pytest.raises(ValueError, match="not the sum"):
        reasons(model, [0, 1, 2], 3)
