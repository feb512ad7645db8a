"""One gradient from the parts of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from services.training.parallel.ranks import Ranks


def average_gradients(parameters: Sequence[nn.Parameter], loss: Tensor, terms: int, ranks: Ranks) -> Tensor:
    """Gives every process the gradient of the whole batch: the mean of the parts' gradients, weighted by terms.

    Where a loss is the mean over n terms, of which a part has m, m / n times the part's mean and gradient sum up to those
    of the whole. torch's own DistributedDataParallel weighs all processes alike and wraps one module's `forward`; losses
    here call what they need of a model, and the last batch of an epoch may have nothing for some processes.

    Args:
        parameters: With the gradients of this process's part, which are replaced. Those that no process has a gradient for
            keep none, so that the optimiser passes over them as it does in one process.
        loss: Scalar, of this part.
        terms: How many terms the loss is the mean of; 0 where nothing falls to this process, whose gradients do not count.
        ranks: The processes.

    Returns:
        The loss of the whole batch, a scalar.

    Raises:
        PeerLost: another process has ended.
    """
    gradients = [parameter.grad for parameter in parameters]
    counted = [terms > 0 and gradient is not None for gradient in gradients]
    # In one tensor, for each message costs more than what is in it.
    message = torch.cat([
        *(
            torch.zeros_like(parameter).flatten() if gradient is None or not counts else gradient.flatten() * terms
            for parameter, gradient, counts in zip(parameters, gradients, counted, strict=True)
        ),
        torch.as_tensor([*map(float, counted)], device=loss.device),
        (loss.detach() * terms if terms else torch.zeros_like(loss)).float().reshape(1),
        torch.as_tensor([float(terms)], device=loss.device),
    ])  # fmt: skip
    ranks.add_up(message)
    *parts, have, total, weight = torch.split(message, [*(one.numel() for one in parameters), len(parameters), 1, 1])
    weight = weight.clamp(min=1.0)
    for parameter, part, present in zip(parameters, parts, have.tolist(), strict=True):
        parameter.grad = (part / weight).reshape(parameter.shape) if present else None
    mean: Tensor = (total / weight).squeeze(0)
    return mean
