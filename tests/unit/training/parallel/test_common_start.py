"""One beginning for all processes, and batches that are the same in all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import pytest
import torch
from torch import Tensor, nn

from services.training.optimisation import Descent, EarlyStopping, Epoch
from services.training.parallel.common_start import FitsDiffer, begin_alike
from services.training.parallel.loss_draws import LossDraws

T = TypeVar("T")


@dataclass
class Second:
    """The second of two processes, which hears what the first one said."""

    said: Any
    number: int = 1
    size: int = 2
    local_number: int = 1
    local_size: int = 2

    def add_up(self, tensor: Tensor) -> None:
        """Is not asked."""
        raise NotImplementedError

    def from_first(self, make: Callable[[], T]) -> T:  # noqa: ARG002 - the Protocol's signature
        """Returns what the first one said."""
        return cast("T", self.said)


def begun(weight: float) -> tuple[nn.Linear, Descent, EarlyStopping]:
    """A model with a step behind it."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, weight)
    descent = Descent(model, learning_rate=0.1, steps=10)
    descent.step(model(torch.ones(1, 1)).sum())
    return model, descent, EarlyStopping(patience=2)


def test_a_process_goes_on_where_the_first_one_is() -> None:
    """Model, optimiser, schedule and epochs are those that it resumed with."""
    first, descent, _ = begun(1.0)
    fit = ("fit", 6)
    other, other_descent, stopping = begun(5.0)
    other_descent.step(other(torch.ones(1, 1)).sum())

    said = (fit, first.state_dict(), descent.state_dict(), [Epoch(1.0, 0.5)], 0)
    begin_alike(other, other_descent, stopping, fit=fit, ranks=Second(said))

    assert torch.equal(other.weight, first.weight)
    assert other_descent.learning_rate == descent.learning_rate
    assert (stopping.epochs, stopping.best) == ([Epoch(1.0, 0.5)], 0)


def test_a_process_with_another_fit_before_it_ends() -> None:
    """It would wait for the first one for ever, or the first one for it."""
    model, descent, stopping = begun(1.0)
    said: tuple[object, ...] = (("fit", 6), model.state_dict(), descent.state_dict(), [], -1)

    with pytest.raises(FitsDiffer, match="all need the same code, settings and data"):
        begin_alike(model, descent, stopping, fit=("fit", 7), ranks=Second(said))


def test_what_losses_draw_changes_no_batch() -> None:
    """However much that is, and it comes from a stream of its own that goes on from one loss to the next."""
    torch.manual_seed(0)
    expected = [torch.rand(3) for _ in range(3)]

    torch.manual_seed(0)
    draws, batches, drawn = LossDraws(7), [], []
    for count in (5, 0, 2):
        batches.append(torch.rand(3))
        with draws.drawing():
            drawn.append(torch.rand(count))

    assert all(map(torch.equal, batches, expected))
    torch.manual_seed(7)
    assert torch.equal(torch.cat(drawn), torch.rand(7))
