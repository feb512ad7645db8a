"""The loop that every model fitted by gradient descent goes through."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Generic, TypeVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from services.training.devices import on_device
from services.training.optimisation import Descent, EarlyStopping, Epoch, loss_seed, reduced_precision, seed_epoch
from services.training.parallel.common_start import begin_alike, end_alike
from services.training.parallel.loss_draws import LossDraws
from services.training.progress import Advance
from services.training.recall.model import FitContext, ModelConfig
from services.training.runs.board import open_board
from services.training.runs.fit_state import FitState

Batch = TypeVar("Batch")
Share = Callable[[Batch, int, int], tuple[Batch, int]]
"""Gives one of several parts of a batch, by its number and theirs, and how many terms the part's mean loss is over.

The parts together are the batch. A part may have nothing in it, and is then not computed.
"""


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
    share: Share[Batch] | None = None,
) -> tuple[Epoch, ...]:
    """Fits a model and leaves it in evaluation mode with the parameters of the epoch that validated best.

    With a run in the context, everything is on disk after every epoch, and a fit that begins with the same model, settings
    and data goes on from there. It then ends as one that was never interrupted would, bit for bit, because what an epoch
    does depends on what is saved and on its number alone. For that, `batches` and `loss` keep nothing from one epoch for
    the next but in the model's parameters and buffers, and what they draw comes from torch's global generator, which is
    seeded for each epoch, or from a generator made of it within `batches`, such as `epoch_rng()`.

    The model is on the device of the context's placement while it descends, and each batch is brought there; inside `loss`
    new tensors are made there too. Batches are made, and the model is judged, on the CPU in float32.

    Several processes draw the same batches. Each computes its `share` of every batch, all take the step down the gradient of
    the whole batch, and the first one alone judges, and writes and shows what becomes of it.

    Args:
        model: Fitted in place. Seed torch before making it: `torch.manual_seed(context.seed)`.
        name: Of the stage, such as "fit Mult-VAE".
        batches: Gives the batches of the next epoch, in an order of its own.
        steps: How many batches an epoch has, about.
        loss: Of a batch, to be made small.
        judge: Returns what is to be made large: NDCG@10 on validation queries, with the model in evaluation mode.
        config: Rates and limits.
        context: The circumstances of the fit.
        share: Divides a batch whose loss is a mean over its terms. Without it every process computes whole batches, which is
            right for every loss, and no faster.

    Returns:
        What every epoch gave.

    Raises:
        OSError: a checkpoint cannot be written.
        PeerLost: another process of the job has ended.
        FitsDiffer: the processes of the job do not fit the same.
    """
    placement, ranks = context.placement, context.placement.ranks
    descent = Descent(model, config.learning_rate, steps * config.epochs, config.weight_decay, placement)
    stopping = EarlyStopping(config.patience)
    state, board, run = None, None, context.run
    if run is not None:
        own_name = run.begin(name)
        settings = (config, context.seed, context.max_history, steps)
        state = FitState.begin(run, own_name, settings, (model, descent, stopping), str(placement))
        board = run.board(own_name)
    begin_alike(model, descent, stopping, fit=(name, config.model_dump(mode="json"), steps), ranks=ranks)
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
            epoch_steps = _EpochSteps(model, descent, loss, share, context=context, number=number)
            epoch = Epoch(epoch_steps.descend(batches, advance), ranks.from_first(judge))
            advance(f"loss {epoch.loss:.3f} NDCG@10 {epoch.ndcg:.4f}")
            stopping.record(model, epoch)
            shown = {"loss": epoch.loss, "NDCG@10": epoch.ndcg, "learning rate": descent.learning_rate}
            curves.show(number, {**shown, "seconds": time.perf_counter() - started})
            if run is not None and state is not None:
                state.save()
                run.watch(name, number, epoch)
    end_alike(model, stopping, ranks)
    return tuple(stopping.epochs)


class _EpochSteps(Generic[Batch]):
    """The steps of one epoch, as far as they are this process's."""

    def __init__(
        self,
        model: nn.Module,
        descent: Descent,
        loss: Callable[[Batch], Tensor],
        share: Share[Batch] | None,
        *,
        context: FitContext,
        number: int,
    ) -> None:
        self._model, self._descent, self._loss, self._placement = model, descent, loss, context.placement
        ranks = context.placement.ranks
        self._share = share if ranks.size > 1 else None
        # Whole batches are computed alike by all; of shares each has its own dropout.
        stream = ranks.number + 1 if self._share else 0
        self._draws = LossDraws(loss_seed(context.seed, number, stream)) if ranks.size > 1 else None

    def descend(self, batches: Callable[[], Iterable[Batch]], advance: Advance) -> float:
        """Goes through the data once; returns the mean loss and leaves the model in evaluation mode."""
        self._model.train()
        losses = []
        with self._placement.holding(self._model):
            self._descent.follow()
            for batch in batches():
                losses.append(self._step(batch))
                advance("")
        self._model.eval()
        # Only here: to read each loss as it comes would have a GPU wait for the processor at every step.
        return float(np.mean(torch.stack(losses).cpu().numpy(), dtype=np.float64))

    def _step(self, batch: Batch) -> Tensor:
        ranks, terms = self._placement.ranks, 1
        if self._share is not None:
            batch, terms = self._share(batch, ranks.number, ranks.size)
        with reduced_precision():
            with self._placement.computing_loss(), self._draws.drawing() if self._draws else nullcontext():
                loss = self._loss(on_device(batch, self._placement.device)) if terms else torch.zeros(())
            return self._descent.step(loss, terms)
