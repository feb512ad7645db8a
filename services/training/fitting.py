"""The loop that every model fitted by gradient descent goes through."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from pydantic import Field
from torch import Tensor, nn

from services.training.optimisation import Descent, EarlyStopping, Epoch, reduced_precision, seed_epoch
from services.training.progress import Advance
from services.training.recall.model import FitContext, ModelConfig
from services.training.runs.board import open_board
from services.training.runs.fit_state import FitState

Batch = TypeVar("Batch")


class DescentConfig(ModelConfig):
    """How long and how fast a model is fitted; a model's own settings extend it and change the defaults."""

    epochs: int = Field(default=10, ge=1, description="Most passes over the data.")
    patience: int = Field(default=3, ge=1, description="Epochs without a better NDCG@10 before it stops.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Peak of the learning-rate schedule.")
    weight_decay: float = Field(
        default=0.0,
        ge=0,
        description="Decoupled weight decay.",
        # Its default of 0 says nothing of where a search should look.
        json_schema_extra={"search": {"low": 1e-6, "high": 0.1, "log": True}},
    )
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

    With a run in the context, everything is on disk after every epoch, and a fit that begins with the same model, settings
    and data goes on from there. It then ends as one that was never interrupted would, bit for bit, because what an epoch
    does depends on what is saved and on its number alone. For that, `batches` and `loss` keep nothing from one epoch for
    the next but in the model's parameters and buffers, and what they draw comes from torch's global generator, which is
    seeded for each epoch, or from a generator made of it within `batches`, such as `epoch_rng()`.

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

    Raises:
        OSError: a checkpoint cannot be written.
    """
    descent = Descent(model, config.learning_rate, steps * config.epochs, config.weight_decay)
    stopping = EarlyStopping(config.patience)
    state, board, run = None, None, context.run
    if run is not None:
        own_name = run.begin(name)
        settings = (config, context.seed, context.max_history, steps)
        state = FitState.begin(run, own_name, settings, (model, descent, stopping))
        board = run.board(own_name)
    done = len(stopping.epochs)
    with (
        context.display.stage(name, steps * config.epochs) as advance,
        open_board(board, config.model_dump_json(indent=1), done) as curves,
    ):
        for _ in range(steps * done):
            advance("")
        while len(stopping.epochs) < config.epochs and not stopping.ended:
            number, started = len(stopping.epochs), time.perf_counter()
            seed_epoch(context.seed, number)
            epoch = Epoch(_descend(model, descent, batches, loss, advance), judge())
            advance(f"loss {epoch.loss:.3f} NDCG@10 {epoch.ndcg:.4f}")
            stopping.record(model, epoch)
            shown = {"loss": epoch.loss, "NDCG@10": epoch.ndcg, "learning rate": descent.learning_rate}
            curves.show(number, {**shown, "seconds": time.perf_counter() - started})
            if run is not None and state is not None:
                state.save()
                run.watch(name, number, epoch)
    stopping.restore(model)
    return tuple(stopping.epochs)


def _descend(
    model: nn.Module,
    descent: Descent,
    batches: Callable[[], Iterable[Batch]],
    loss: Callable[[Batch], Tensor],
    advance: Advance,
) -> float:
    """Goes through the data once; returns the mean loss and leaves the model in evaluation mode."""
    model.train()
    losses = []
    for batch in batches():
        with reduced_precision():
            losses.append(descent.step(loss(batch)))
        advance("")
    model.eval()
    return float(np.mean(losses))
