"""The next-item losses."""

import numpy as np
import pytest
import torch

from services.training.sequence.loss import FullSoftmaxLoss, SampledSoftmaxLoss


def test_the_full_loss_and_its_gradients_are_those_of_cross_entropy() -> None:
    """Computed in parts, with more states than a part holds, it equals PyTorch's loss and gradients."""
    torch.manual_seed(0)
    states, vectors = torch.randn(1100, 6), torch.randn(40, 6)
    targets = torch.randint(0, 40, (1100,))
    results = []
    for loss in (
        FullSoftmaxLoss(),
        lambda states, vectors, targets: torch.nn.functional.cross_entropy(states @ vectors.T, targets),
    ):
        leaves = states.clone().requires_grad_(), vectors.clone().requires_grad_()
        value = loss(*leaves, targets)
        gradients = torch.autograd.grad(value * 3.0, leaves)
        results.append((value.detach(), *gradients))

    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("skew", [0.0, 1.5])
def test_the_sampled_loss_approaches_the_full_one(skew: float) -> None:
    """With many negatives, drawn evenly or by a skewed popularity, the corrected estimate is near the full loss."""
    torch.manual_seed(0)
    states, vectors = torch.randn(64, 6), torch.randn(50, 6)
    targets = torch.randint(0, 50, (64,))
    counts = 1000.0 / np.arange(1, 51) ** skew
    sampled = SampledSoftmaxLoss(counts, negatives=200_000)

    estimate = float(sampled(states, vectors, targets))

    assert estimate == pytest.approx(float(FullSoftmaxLoss()(states, vectors, targets)), abs=0.02)


def test_a_target_is_not_its_own_negative() -> None:
    """When nothing but the target can be drawn, there is nothing to lose to."""
    torch.manual_seed(0)
    sampled = SampledSoftmaxLoss(np.asarray([1e12, 0.0]), negatives=20)

    loss = sampled(torch.ones(3, 2), torch.ones(2, 2), torch.zeros(3, dtype=torch.int64))

    assert float(loss) == pytest.approx(0.0, abs=1e-6)
