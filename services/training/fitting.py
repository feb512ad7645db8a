"""The loop that every model fitted by gradient descent goes through."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from pydantic import Field
from torch import Tensor, nn

from services.training.optimisation import Descent, EarlyStopping, Epoch, reduced_precision
from services.training.recall.model import FitContext, ModelConfig

Batch = TypeVar("Batch")


class DescentConfig(ModelConfig):
    """How long and how fast a model is fitted; a model's own settings extend it and change the defaults."""

    epochs: int = Field(default=10, ge=1, description="Most passes over the data.")
    patience: int = Field(default=3, ge=1, description="Epochs without a better NDCG@10 before it stops.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Peak of the learning-rate schedule.")
    weight_decay: float = Field(default=0.0, ge=0, description="Decoupled weight decay.")
    batch: int = Field(default=256, ge=1, description="Examples in a batch.")


def fit_epochs(
    model: nn.Module,
    *,
    name: str,
    batches: Callable[[], Iterable[Batch]],
    steps: int,
    loss: Callable[[Batch], Tensor],
    judge: Callable[[], float],
    config: DescentConfig,
    context: FitContext,
) -> tuple[Epoch, ...]:
    """Fits a model and leaves it in evaluation mode with the parameters of the epoch that validated best.

    Args:
        model: Fitted in place. Seed torch before making it: `torch.manual_seed(context.seed)`.
        name: Of the stage, such as "fit Mult-VAE".
        batches: Gives the batches of the next epoch, in an order of its own.
        steps: How many batches an epoch has, about.
        loss: Of a batch, to be made small.
        judge: Returns what is to be made large: NDCG@10 on validation queries, with the model in evaluation mode.
        config: Rates and limits.
        context: The circumstances of the fit.

    Returns:
        What every epoch gave.
    """
    descent = Descent(model, config.learning_rate, steps * config.epochs, config.weight_decay)
    stopping = EarlyStopping(config.patience)
    with context.display.stage(name, steps * config.epochs) as advance:
        for _ in range(config.epochs):
            model.train()
            losses = []
            for batch in batches():
                with reduced_precision():
                    losses.append(descent.step(loss(batch)))
                advance("")
            model.eval()
            epoch = Epoch(float(np.mean(losses)), judge())
            advance(f"loss {epoch.loss:.3f} NDCG@10 {epoch.ndcg:.4f}")
            if stopping.record(model, epoch):
                break
    stopping.restore(model)
    return tuple(stopping.epochs)
