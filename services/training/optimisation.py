"""What every fit has in common: the learning-rate schedule and when to stop."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from services.training.parallel.gradients import average_gradients
from services.training.placement import ON_CPU, Placement

_WARM_UP_SHARE = 0.05
_FINAL_SHARE = 0.02
_LONGEST_GRADIENT = 1.0
# torch's own 65536 is too much for the sharp softmax of a two-tower model, whose first steps would all be skipped.
_FIRST_SCALE = 2.0**10


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the data gave.

    Attributes:
        loss: Mean training loss.
        ndcg: NDCG@10 on the validation queries.
    """

    loss: float
    ndcg: float


class Descent:
    """AdamW with a linear warm-up, a cosine decay and clipped gradients.

    Args:
        model: Whose parameters are fitted; those that need no gradient stay.
        learning_rate: Peak of the schedule.
        steps: Steps until the rate has decayed.
        weight_decay: Decoupled weight decay.
        placement: Where the model is when a step is taken.
    """

    def __init__(
        self,
        model: nn.Module,
        learning_rate: float,
        steps: int,
        weight_decay: float = 0.0,
        placement: Placement = ON_CPU,
    ) -> None:
        self._ranks = placement.ranks
        # The smallest gradients would be 0 in float16; in float32 and bfloat16, which has its range, this does nothing.
        self._scaler = torch.amp.GradScaler(
            placement.device.type, init_scale=_FIRST_SCALE, enabled=placement.precision == "float16"
        )
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        # The second moment of a short run must follow its gradients faster than the default of 0.999 does.
        self._optimizer = torch.optim.AdamW(
            self._parameters, lr=learning_rate, weight_decay=weight_decay, betas=(0.9, 0.98)
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: learning_rate_share((step + 1) / steps)
        )

    def step(self, loss: Tensor, terms: int = 1) -> Tensor:
        """Takes one step down the gradient of `loss` and returns its value, a scalar.

        Args:
            loss: Of a batch, or of this process's part of it.
            terms: How many terms the loss of a part is the mean of; 0 where there is no part, and nothing to go back through.

        Raises:
            PeerLost: another process has ended.
        """
        self._optimizer.zero_grad()
        if terms:
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        value = loss.detach()
        if self._ranks.size > 1:
            # Before they are scaled back: what overflowed in one process must be found by all, or they would part.
            value = average_gradients(self._parameters, value, terms, self._ranks)
        self._scaler.unscale_(self._optimizer)
        nn.utils.clip_grad_norm_(self._parameters, _LONGEST_GRADIENT)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._schedule.step()
        return value

    def follow(self) -> None:
        """Brings what the optimiser remembers to where the parameters are: a checkpoint gives it on the CPU."""
        for parameter, remembered in self._optimizer.state.items():
            for name, value in remembered.items():
                if isinstance(value, Tensor) and value.dim():  # a count of steps stays on the CPU
                    remembered[name] = value.to(parameter.device)

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def state_dict(self) -> dict[str, Any]:
        """Returns where the optimiser and the schedule are."""
        return {
            "optimiser": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what `state_dict` returned."""
        self._optimizer.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])
        if self._scaler.is_enabled() and state["scaler"]:
            self._scaler.load_state_dict(state["scaler"])


def learning_rate_share(progress: float) -> float:
    """Returns the share of the peak learning rate at `progress` through the run, from 0 to 1."""
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
    return min(1.0, progress / _WARM_UP_SHARE) * max(_FINAL_SHARE, cosine)


@contextmanager
def reduced_precision() -> Iterator[None]:
    """Lets matrix products round to bfloat16 where the processor has instructions for it: a quarter faster to fit.

    Parameters stay float32, and so does everything outside, above all what is exported.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def seed_epoch(seed: int, number: int) -> None:
    """Makes what an epoch draws depend on the seed and the epoch's number alone, and not on the epochs before it.

    So an epoch can be begun by a process that has seen none of them. Seeds torch's and NumPy's global generators.
    """
    words = np.random.SeedSequence((seed, number)).generate_state(3, np.uint32)
    torch.manual_seed(int(words[0]) << 32 | int(words[1]))
    np.random.seed(int(words[2]))


def loss_seed(seed: int, number: int, stream: int) -> int:
    """Returns the seed of what losses draw in an epoch, for each of several processes another stream: 64 bits."""
    words = np.random.SeedSequence((seed, number, stream)).generate_state(2, np.uint32)
    return int(words[0]) << 32 | int(words[1])


def epoch_rng() -> np.random.Generator:
    """Returns a generator of its own for an epoch, drawn from torch's: what `batches` of `fit_epochs` may shuffle with."""
    return np.random.default_rng(int(torch.randint(2**63 - 1, ())))


@dataclass(slots=True)
class EarlyStopping:
    """Remembers the best epoch's parameters and says when to stop.

    The best is the one that validated best. As long as nothing was found in validation, because items with the same contents
    have the same scores, say, it is the one with the least loss: the first would be one that has hardly learned.

    Attributes:
        patience: Epochs without an improvement after which to stop.
        epochs: What every epoch gave.
        best: Number of the best epoch, from 0; -1 before the first.
        parameters: The state of the model after the best epoch.
    """

    patience: int
    epochs: list[Epoch] = field(default_factory=list)
    best: int = -1
    parameters: dict[str, Tensor] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether to stop: `patience` epochs have passed without an improvement."""
        return len(self.epochs) - 1 - self.best >= self.patience

    def record(self, model: nn.Module, epoch: Epoch) -> bool:
        """Takes note of an epoch and returns whether to stop."""
        self.epochs.append(epoch)
        if self.best < 0 or _is_better(epoch, self.epochs[self.best]):
            self.best = len(self.epochs) - 1
            self.parameters = copy.deepcopy(model.state_dict())
        return self.ended

    def restore(self, model: nn.Module) -> None:
        """Gives the model the parameters of the best epoch and puts it in evaluation mode."""
        model.load_state_dict(self.parameters)
        model.eval()


def _is_better(epoch: Epoch, best: Epoch) -> bool:
    if epoch.ndcg == best.ndcg == 0.0:
        return epoch.loss < best.loss
    return epoch.ndcg > best.ndcg
