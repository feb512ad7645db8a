"""One gradient from the parts of a batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from services.training.parallel.gradients import average_gradients

T = TypeVar("T")


@dataclass
class Beside:
    """One of two processes, whose peer's message is known beforehand."""

    peer: Tensor | None = None
    sent: Tensor | None = None
    number: int = 0
    size: int = 2
    local_number: int = 0
    local_size: int = 2

    def add_up(self, tensor: Tensor) -> None:
        """Adds the peer's message, if it is known."""
        self.sent = tensor.clone()
        if self.peer is not None:
            tensor += self.peer

    def from_first(self, make: Callable[[], T]) -> T:
        """Is not asked."""
        raise NotImplementedError


def averaged(own: Tensor, peer: Tensor) -> tuple[Tensor, nn.Linear]:
    """The loss and the gradients after two processes have gone back through the means of their parts."""
    messages = Beside()
    _backward(line(), peer, messages)
    model = line()
    return _backward(model, own, Beside(peer=messages.sent)), model


def _backward(model: nn.Linear, inputs: Tensor, ranks: Beside) -> Tensor:
    loss = torch.zeros(())
    if len(inputs):
        loss = model(inputs).square().mean()
        loss.backward()
    return average_gradients([*model.parameters(), unused()], loss.detach(), len(inputs), ranks)


def line() -> nn.Linear:
    """Always the same."""
    torch.manual_seed(0)
    return nn.Linear(3, 1)


def unused() -> nn.Parameter:
    """A parameter that no loss depends on."""
    return nn.Parameter(torch.ones(2))


def test_parts_of_different_sizes_give_the_gradient_of_the_whole() -> None:
    """Each counts by how many terms its mean is over."""
    inputs = torch.randn(7, 3, generator=torch.Generator().manual_seed(1))
    whole = line()
    expected = whole(inputs).square().mean()
    expected.backward()

    loss, model = averaged(inputs[:5], inputs[5:])

    torch.testing.assert_close(loss, expected.detach())
    for parameter, single in zip(model.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, single.grad)


def test_a_part_without_anything_in_it_takes_the_others_gradient() -> None:
    """And its own, which would be no number, does not count."""
    inputs = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    whole = line()
    whole(inputs).square().mean().backward()

    _, model = averaged(inputs[:0], inputs)

    for parameter, single in zip(model.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, single.grad)


def test_what_nobody_has_a_gradient_for_gets_none() -> None:
    """The optimiser would otherwise decay it, as it does not in one process."""
    parameter, model = unused(), line()
    model(torch.ones(1, 3)).sum().backward()

    average_gradients([*model.parameters(), parameter], torch.ones(()), 1, Beside())

    assert parameter.grad is None


def test_what_overflowed_in_one_process_is_found_by_all() -> None:
    """Or one would take a step in float16 that the others do not."""
    overflowed = torch.full((1, 3), torch.inf)

    _, model = averaged(torch.ones(1, 3), overflowed)

    assert model.weight.grad is not None
    assert not model.weight.grad.isfinite().any()
