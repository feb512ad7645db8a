"""The schedule and when to stop."""

import pytest
import torch
from torch import nn

from services.training.optimisation import Descent, EarlyStopping, Epoch, learning_rate_share, reduced_precision


def test_the_learning_rate_warms_up_and_decays() -> None:
    """It rises to its peak within the first twentieth, falls from there on, and never quite to nothing."""
    shares = [learning_rate_share(step / 1000) for step in range(1001)]

    peak = shares.index(max(shares))
    assert 45 <= peak <= 55
    assert shares[:peak] == sorted(shares[:peak])
    assert shares[peak:] == sorted(shares[peak:], reverse=True)
    assert 0.0 < shares[-1] < 0.05


def test_descent_reaches_the_minimum_and_leaves_frozen_parameters() -> None:
    """A line is fitted to its points, while a parameter that asks for no gradient stays."""
    torch.manual_seed(0)
    line = nn.Linear(1, 1)
    line.bias.requires_grad_(False).fill_(1.0)
    inputs = torch.linspace(-1, 1, 20)[:, None]
    descent = Descent(line, learning_rate=0.1, steps=300)

    losses = [descent.step(((line(inputs) - (3.0 * inputs + 1.0)) ** 2).mean()) for _ in range(300)]

    assert losses[-1] < 1e-4 < losses[0]
    assert line.weight.item() == pytest.approx(3.0, abs=0.01)
    assert line.bias.item() == 1.0


def test_training_stops_when_patience_ends_and_the_best_epoch_returns() -> None:
    """Two epochs without an improvement end it, and the parameters of the best epoch are restored."""
    model = nn.Linear(1, 1)
    stopping = EarlyStopping(patience=2)
    stops = []
    for number, quality in enumerate([0.1, 0.3, 0.3, 0.2]):
        nn.init.constant_(model.weight, float(number))
        stops.append(stopping.record(model, Epoch(loss=1.0, ndcg=quality)))

    stopping.restore(model)

    assert stops == [False, False, False, True]
    assert stopping.best == 1
    assert model.weight.item() == 1.0
    assert not model.training


def test_the_least_loss_is_best_as_long_as_nothing_is_found() -> None:
    """As where all items of a kind look the same, so that none is above the others; what is found counts from then on."""
    model = nn.Linear(1, 1)
    stopping = EarlyStopping(patience=2)
    best = []
    for loss, quality in [(3.0, 0.0), (2.0, 0.0), (2.5, 0.0), (1.9, 0.0), (2.8, 0.1), (1.0, 0.0), (0.5, 0.1)]:
        stopping.record(model, Epoch(loss=loss, ndcg=quality))
        best.append(stopping.best)

    assert best == [0, 1, 1, 3, 4, 4, 4]
    assert stopping.ended


def test_precision_is_reduced_only_inside() -> None:
    """Also when what is inside fails, the precision is afterwards what it was."""
    before = torch.get_float32_matmul_precision()
    inside = []

    def fail() -> None:
        with reduced_precision():
            inside.append(torch.get_float32_matmul_precision())
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()

    assert inside == ["medium"]
    assert torch.get_float32_matmul_precision() == before
