"""SASRec: the sequence encoder as a recall model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parametrize

from services.training.content.bag_of_words import BagOfWordsConfig, fit_content
from services.training.datasets import Sequences
from services.training.fitting import DescentConfig, fit_epochs
from services.training.optimisation import Epoch, epoch_rng
from services.training.recall.judging import validation_ndcg
from services.training.recall.model import FitContext, RecallData, RecallFamily, RecallModel
from services.training.sequence.config import SasrecConfig
from services.training.sequence.described_items import described
from services.training.sequence.encoder import PADDING, SequenceEncoder
from services.training.sequence.loss import FullSoftmaxLoss, NextItemLoss, SampledSoftmaxLoss
from services.training.sequence.windows import Windows, cut_windows

# A small data set gets more and smaller steps: an epoch of a handful of steps teaches next to nothing.
_STEPS_IN_AN_EPOCH = 150
_SMALLEST_BATCH = 16
# On the generated data set 6 epochs validate as 8 do, in three quarters of the time; MovieLens 1M still gains up to 10.
_EPOCHS = 10
_EPOCHS_FOR_LITTLE_DATA = 6
# Enough for the processor to be busy with, few enough to be of like lengths.
_WINDOWS_TOGETHER = 32


def fit_sasrec(data: RecallData, config: SasrecConfig, context: FitContext) -> RecallModel:
    """Fits a sequence encoder to predict every event from those before it, and keeps the epoch that validates best.

    The seed decides the initial parameters, dropout, where long sequences are cut, the order of the windows and the sampled
    negatives.
    """
    torch.manual_seed(context.seed)
    encoder = SequenceEncoder(len(data.items), config, context.max_history)
    with _items_of(encoder, data, config, context.seed):
        epochs = _fit(encoder, data, config, context)
    return RecallModel(encoder, encoder.item_embedding.weight.detach().numpy(), epochs)


def _items_of(
    encoder: SequenceEncoder, data: RecallData, config: SasrecConfig, seed: int
) -> AbstractContextManager[None]:
    if not config.text_dimension:
        return nullcontext()
    words = fit_content(data.items, BagOfWordsConfig(dimension=config.text_dimension), seed)
    return described(encoder.item_embedding, words.vectors)


def _fit(encoder: SequenceEncoder, data: RecallData, config: SasrecConfig, context: FitContext) -> tuple[Epoch, ...]:
    softmax = _loss_for(data.events, len(data.items), config, context.placement.device)
    # Other cuts make slightly more or fewer windows, so that an epoch's number of steps is an estimate.
    expected = len(cut_windows(data.events, context.max_history))
    batch = max(_SMALLEST_BATCH, min(config.max_batch, expected // _STEPS_IN_AN_EPOCH))
    epochs = config.epochs or (_EPOCHS if batch == config.max_batch else _EPOCHS_FOR_LITTLE_DATA)

    def batches() -> Iterator[Windows]:
        windows = cut_windows(data.events, context.max_history, epoch_rng())
        for rows in torch.split(torch.randperm(len(windows)), batch):
            chosen = rows.numpy()  # NumPy takes a tensor of one row, as the last batch may be, for a number
            yield Windows(windows.history[chosen], windows.target[chosen])

    def judge() -> float:
        vectors = encoder.item_embedding.weight.detach().numpy()
        return validation_ndcg(encoder, vectors, data.validation, data.user_features, context.max_history)

    return fit_epochs(
        encoder,
        name="fit sequence encoder",
        batches=batches,
        steps=-(-expected // batch),
        loss=lambda windows: _batch_loss(encoder, softmax, windows),
        judge=judge,
        config=DescentConfig(
            epochs=epochs,
            patience=config.patience,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            batch=batch,
        ),
        context=context,
        share=Windows.share,
    )


def _batch_loss(encoder: SequenceEncoder, softmax: NextItemLoss, windows: Windows) -> Tensor:
    # An embedding that is made of descriptions is made once for the whole batch.
    with parametrize.cached():
        states, targets = [], []
        for part in windows.by_length(_WINDOWS_TOGETHER):
            target = torch.as_tensor(part.target)
            asked = target != PADDING
            states.append(encoder.states(torch.as_tensor(part.history))[asked])
            targets.append(target[asked])
        return softmax(torch.cat(states), encoder.item_embedding.weight, torch.cat(targets))


def _loss_for(sequences: Sequences, items: int, config: SasrecConfig, device: torch.device) -> NextItemLoss:
    if items <= config.full_softmax_items:
        return FullSoftmaxLoss()
    counts = np.bincount(sequences.items, minlength=items).astype(np.float64)
    return SampledSoftmaxLoss(counts, config.sampled_negatives, device)


SASREC = RecallFamily(
    name="sasrec",
    summary="Causal self-attention over the history, in order (Kang & McAuley, ICDM 2018)",
    config=SasrecConfig,
    fit=fit_sasrec,
)
