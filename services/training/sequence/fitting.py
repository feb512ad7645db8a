"""Fitting the sequence encoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from services.training.config import SequenceConfig
from services.training.datasets import Sequences
from services.training.fitting import DescentConfig, fit_epochs
from services.training.metrics import history_mask, ndcg, rank_of_target
from services.training.optimisation import Epoch, best_epoch, epoch_rng
from services.training.progress import ProgressDisplay
from services.training.queries import NextItemQueries
from services.training.recall.model import FitContext
from services.training.runs.run import Run
from services.training.sequence.encoder import PADDING, SequenceEncoder
from services.training.sequence.loss import FullSoftmaxLoss, NextItemLoss, SampledSoftmaxLoss
from services.training.sequence.windows import Windows, cut_windows, pad_histories

# A small data set gets more and smaller steps: an epoch of a handful of steps teaches next to nothing.
_STEPS_IN_AN_EPOCH = 150
_SMALLEST_BATCH = 16
# On the generated data set 6 epochs validate as 8 do, in three quarters of the time; MovieLens 1M still gains up to 10.
_EPOCHS = 10
_EPOCHS_FOR_LITTLE_DATA = 6
_QUERIES_AT_A_TIME = 256


@dataclass(frozen=True, slots=True)
class SequenceFit:
    """A fitted encoder.

    Attributes:
        encoder: In evaluation mode, with the parameters of the best epoch.
        epochs: What every epoch gave.
        best: Number of the best epoch, from 0.
    """

    encoder: SequenceEncoder
    epochs: tuple[Epoch, ...]
    best: int


def fit_sequence_encoder(
    sequences: Sequences,
    validation: NextItemQueries,
    items: int,
    *,
    config: SequenceConfig,
    seed: int,
    display: ProgressDisplay,
    run: Run | None = None,
) -> SequenceFit:
    """Fits an encoder to predict every event from those before it, and keeps the epoch that validates best.

    Args:
        sequences: What it may learn from.
        validation: What decides when to stop; nothing is learned from it.
        items: Rows of the catalogue.
        config: Sizes, rates and limits.
        seed: Of the initial parameters, dropout, the order of the windows and the sampled negatives.
        display: Told after every step.
        run: Where to keep checkpoints; None keeps none.
    """
    torch.manual_seed(seed)
    encoder = SequenceEncoder(items, config)
    loss = _loss_for(sequences, items, config)
    queries = validation.sample(config.validation_users, seed)
    # Other cuts make slightly more or fewer windows, so that an epoch's number of steps is an estimate.
    expected = len(cut_windows(sequences, config.max_history))
    batch = max(_SMALLEST_BATCH, min(config.max_batch, expected // _STEPS_IN_AN_EPOCH))
    epochs = config.epochs or (_EPOCHS if batch == config.max_batch else _EPOCHS_FOR_LITTLE_DATA)

    def batches() -> Iterator[tuple[Windows, Tensor]]:
        windows = cut_windows(sequences, config.max_history, epoch_rng())
        return ((windows, rows) for rows in torch.split(torch.randperm(len(windows)), batch))

    history = fit_epochs(
        encoder,
        name="fit sequence encoder",
        batches=batches,
        steps=-(-expected // batch),
        loss=lambda part: _batch_loss(encoder, loss, *part),
        judge=lambda: validation_ndcg(encoder, queries, config.max_history),
        config=DescentConfig(epochs=epochs, patience=config.patience, learning_rate=config.learning_rate, batch=batch),
        context=FitContext(seed, config.max_history, torch.get_num_threads(), display, run),
    )
    return SequenceFit(encoder, history, best_epoch(history))


def validation_ndcg(encoder: SequenceEncoder, queries: NextItemQueries, max_history: int) -> float:
    """Returns NDCG@10 over the full catalogue with the history masked, for at least one query."""
    encoder.eval()
    ranks = []
    with torch.inference_mode():
        vectors = encoder.item_embedding.weight
        for start in range(0, len(queries), _QUERIES_AT_A_TIME):
            part = queries.take(np.arange(start, min(start + _QUERIES_AT_A_TIME, len(queries))))
            history = torch.as_tensor(pad_histories(part.histories, max_history))
            scores = (encoder(history) @ vectors.T).numpy()
            ranks.append(rank_of_target(scores, part.targets, history_mask(part.histories, len(vectors))))
    return float(ndcg(np.concatenate(ranks), 10).mean())


def _batch_loss(encoder: SequenceEncoder, loss: NextItemLoss, windows: Windows, rows: Tensor) -> Tensor:
    chosen = rows.numpy()  # NumPy takes a tensor of one row, as the last batch may be, for a number
    target = torch.as_tensor(windows.target[chosen])
    asked = target != PADDING
    states = encoder.states(torch.as_tensor(windows.history[chosen]))
    return loss(states[asked], encoder.item_embedding.weight, target[asked])


def _loss_for(sequences: Sequences, items: int, config: SequenceConfig) -> NextItemLoss:
    if items <= config.full_softmax_items:
        return FullSoftmaxLoss()
    counts = np.bincount(sequences.items, minlength=items).astype(np.float64)
    return SampledSoftmaxLoss(counts, config.sampled_negatives)
