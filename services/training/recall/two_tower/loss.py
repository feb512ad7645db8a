"""Softmax over the batch's own targets."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_EXCLUDED = -1e9


def in_batch_softmax(logits: Tensor, targets: Tensor, people: Tensor, log_share: Tensor) -> Tensor:
    """Returns the mean cross-entropy of each event's target against the targets of other people's events.

    A popular item is a negative as often as it is popular. Its logit is therefore reduced by the log of its share of all
    events, without which popular items would be held down (Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large
    Corpus Item Recommendations", RecSys 2019; the shares are counted here, where a stream has them estimated). The same
    person's other events are left out: they share a batch far more often than chance has it. So is the target itself
    where it comes again.

    Args:
        logits: float [n, n], of each event's query with each event's target.
        targets: int64 [n], item rows.
        people: int64 [n], whose events they are.
        log_share: float [n], the log of each target's share of all events.
    """
    itself = torch.eye(len(targets), dtype=torch.bool)
    excluded = (people[:, None] == people[None, :]) | (targets[:, None] == targets[None, :])
    corrected = (logits - log_share[None, :]).masked_fill(excluded & ~itself, _EXCLUDED)
    return nn.functional.cross_entropy(corrected, torch.arange(len(targets)))
