"""Drawing items, and the softmax over those that were drawn."""

import numpy as np
import pytest
import torch

from services.training.recall.multimodal.sampled_items import SampledItems, inclusion_probabilities


def test_probabilities_follow_the_weights_and_add_up() -> None:
    """What would be above 1 is certain, and its surplus goes to the others."""
    weights = np.array([100.0, 3.0, 2.0, 1.0, 0.0])
    probabilities = inclusion_probabilities(weights, 3)
    np.testing.assert_allclose(probabilities, [1.0, 1.0, 2 / 3, 1 / 3, 0.0])
    np.testing.assert_allclose(inclusion_probabilities(weights, 2), [1.0, 0.5, 1 / 3, 1 / 6, 0.0])


def test_where_all_fit_all_are_drawn_that_have_a_weight() -> None:
    """An item that nobody met is never drawn."""
    assert inclusion_probabilities(np.array([2.0, 0.0, 1.0]), 10).tolist() == [1.0, 0.0, 1.0]


def test_the_corrected_sum_estimates_the_whole_softmax() -> None:
    """Over many draws the mean of the denominators is that of all items; without the correction it is far off."""
    torch.manual_seed(0)
    scores = torch.randn(50, dtype=torch.float64)
    probabilities = torch.as_tensor(inclusion_probabilities(np.arange(1.0, 51.0), 20))
    draws = [SampledItems.draw(probabilities) for _ in range(4000)]
    assert {len(one.rows) for one in draws} == {20}
    sums = [float((scores[one.rows] - one.log_inclusion).exp().sum()) for one in draws]
    assert np.mean(sums) == pytest.approx(float(scores.exp().sum()), rel=0.03)


def test_a_loss_is_the_weighted_cross_entropy_written_out() -> None:
    """The target's own logit stands as it is, the others are corrected, and an improbable target counts for more."""
    rng = np.random.default_rng(0)
    states, vectors = rng.standard_normal((2, 3)), rng.standard_normal((4, 3))
    probabilities = np.array([1.0, 0.5, 0.2, 0.9])
    sample = SampledItems(
        torch.tensor([0, 2, 5, 7]), torch.tensor([0, -1, 1, -1, -1, 2, -1, 3]), torch.as_tensor(np.log(probabilities))
    )
    losses, weights = [], []
    for state, target in zip(states, (2, 1), strict=True):
        scores = vectors @ state
        others = sum(np.exp(scores[other]) / probabilities[other] for other in range(4) if other != target)
        losses.append(np.log(np.exp(scores[target]) + others) - scores[target])
        weights.append(1 / probabilities[target])
    found = sample.loss(torch.as_tensor(states), torch.as_tensor(vectors), torch.tensor([5, 2]))
    assert float(found) == pytest.approx(np.average(losses, weights=weights))


def test_each_item_is_drawn_as_often_as_it_should_be() -> None:
    """Certain ones always, impossible ones never."""
    torch.manual_seed(0)
    probabilities = torch.tensor([1.0, 0.75, 0.0, 0.25, 0.5, 0.5], dtype=torch.float64)
    drawn = np.zeros(6)
    for _ in range(4000):
        drawn[SampledItems.draw(probabilities).rows] += 1
    np.testing.assert_allclose(drawn / 4000, probabilities, atol=0.03)
    assert drawn[0] == 4000


def test_with_every_item_drawn_the_loss_is_the_softmax_s() -> None:
    """Nothing is left to correct."""
    states, vectors = torch.randn(3, 4), torch.randn(6, 4)
    sample = SampledItems.draw(torch.ones(6, dtype=torch.float64))
    targets = torch.tensor([5, 0, 3])
    expected = torch.nn.functional.cross_entropy(states @ vectors.T, targets)
    torch.testing.assert_close(sample.loss(states, vectors, targets), expected)


def test_only_items_that_were_drawn_can_be_asked_for() -> None:
    """And places without an item cannot."""
    sample = SampledItems.draw(torch.tensor([1.0, 0.0, 1.0]))
    assert sample.drawn(torch.tensor([2, 1, -1, 0])).tolist() == [True, False, False, True]
