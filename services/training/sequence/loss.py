"""Next-item cross-entropy over the whole catalogue, or over a sample of it when the catalogue is large."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from services.training.devices import CPU

# Logits of this many states at a time stay in the processor's cache: twice as fast as all at once.
_STATES_AT_A_TIME = 512
_EXCLUDED = -1e9


class NextItemLoss(Protocol):
    """Scores states against the items that came next."""

    def __call__(self, states: Tensor, item_vectors: Tensor, targets: Tensor) -> Tensor:
        """Returns the mean cross-entropy.

        Args:
            states: float [n, dimension].
            item_vectors: float [items, dimension].
            targets: int64 [n], the row that came next.
        """


class FullSoftmaxLoss:
    """Cross-entropy of the softmax over every item."""

    def __call__(self, states: Tensor, item_vectors: Tensor, targets: Tensor) -> Tensor:
        """Returns the mean cross-entropy; see `NextItemLoss`."""
        loss: Tensor = _FusedSoftmaxCrossEntropy.apply(states.float(), item_vectors.float(), targets)  # type: ignore[no-untyped-call]
        return loss


class SampledSoftmaxLoss:
    """Cross-entropy over the target and negatives shared by the batch, drawn by popularity.

    The logit of a negative is reduced by the log of how often it is drawn on average, which makes the sum over the
    sample an unbiased estimate of the softmax's denominator (Bengio & Senécal, IEEE Transactions on Neural Networks
    2008).

    Args:
        counts: float [items], how often each item is a target; items without any can still be drawn.
        negatives: How many to draw for a batch.
        device: Of the states that are scored.
    """

    def __init__(self, counts: npt.NDArray[np.floating], negatives: int, device: torch.device = CPU) -> None:
        share = torch.as_tensor((counts + 1.0) / (counts + 1.0).sum(), dtype=torch.float32, device=device)
        self._share = share
        self._log_expected = torch.log(share * negatives)
        self._negatives = negatives

    def __call__(self, states: Tensor, item_vectors: Tensor, targets: Tensor) -> Tensor:
        """Returns the mean cross-entropy; see `NextItemLoss`."""
        # From torch's global generator, which `fit_epochs` seeds: one of its own could not be gone on with after a crash.
        drawn = torch.multinomial(self._share, self._negatives, replacement=True)
        positive = (states * item_vectors[targets]).sum(dim=1)
        negative = states @ item_vectors[drawn].T - self._log_expected[drawn]
        # The denominator has the target already.
        negative = negative.masked_fill(drawn[None, :] == targets[:, None], _EXCLUDED)
        logits = torch.cat([positive[:, None], negative], dim=1)
        return (torch.logsumexp(logits, dim=1) - positive).mean()


class _FusedSoftmaxCrossEntropy(torch.autograd.Function):
    """Loss and gradients in one pass over the logits, which are never held for all states at once.

    With thousands of items the logits, not the multiplications, are what takes time and memory.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, item_vectors: Tensor, targets: Tensor) -> Tensor:
        states_gradient = torch.empty_like(states)
        items_gradient = torch.zeros_like(item_vectors)
        total = states.new_zeros(())
        for start in range(0, len(states), _STATES_AT_A_TIME):
            part = slice(start, start + _STATES_AT_A_TIME)
            target = targets[part, None]
            # The product may come in 16 bits, of which a sum over the catalogue would leave little.
            log_share = torch.log_softmax((states[part] @ item_vectors.T).float(), dim=1)
            total -= log_share.gather(1, target).sum()
            surplus = log_share.exp_().scatter_add_(1, target, -torch.ones_like(target, dtype=states.dtype))
            states_gradient[part] = surplus @ item_vectors
            items_gradient.addmm_(surplus.T, states[part])
        ctx.save_for_backward(states_gradient / len(states), items_gradient / len(states))
        return total / len(states)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        (gradient,) = gradients
        states_gradient, items_gradient = ctx.saved_tensors
        return states_gradient * gradient, items_gradient * gradient, None
