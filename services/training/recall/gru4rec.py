"""GRU4Rec: a recurrent network over the history, in order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor, nn

from services.training.fitting import DescentConfig, fit_epochs
from services.training.optimisation import epoch_rng
from services.training.recall.judging import validation_ndcg
from services.training.recall.model import FitContext, RecallData, RecallFamily, RecallModel, Unsuitable
from services.training.sequence.encoder import PADDING
from services.training.sequence.loss import FullSoftmaxLoss, NextItemLoss, SampledSoftmaxLoss
from services.training.sequence.windows import Windows, cut_windows

_STEPS_IN_AN_EPOCH = 150
_SMALLEST_BATCH = 16
# Enough for like lengths, few enough that an epoch does not go through them in order.
_BATCHES_SORTED = 20


class Gru4RecConfig(DescentConfig):
    """The size of a GRU4Rec and what it is scored against."""

    dimension: int = Field(default=64, ge=1, description="Length of item and user vectors.")
    hidden: int = Field(default=128, ge=1, description="Width of the recurrent state.")
    layers: int = Field(default=1, ge=1, description="Recurrent layers.")
    dropout: float = Field(default=0.25, ge=0, lt=1, description="Dropout on embeddings and states.")
    learning_rate: float = Field(default=3e-3, gt=0, description="Peak of the learning-rate schedule.")
    epochs: int = Field(default=20, ge=1, description="Most passes over the data.")
    batch: int = Field(default=128, ge=1, description="Most windows in a batch; less data, smaller batches.")
    full_softmax_items: int = Field(
        default=20_000, ge=1, description="Largest catalogue that is trained with the full softmax, not a sampled one."
    )
    sampled_negatives: int = Field(default=2048, ge=1, description="Negatives that a batch shares if sampled.")


class Gru4Rec(nn.Module):
    """Gated recurrent units over a history, with item embeddings tied to the output (Hidasi et al., ICLR 2016).

    Unlike the paper's, it is scored by cross-entropy over the catalogue (or a sample of it), as later versions are.
    Before the first item stands a learned state; it is also what somebody without a history gets.

    Args:
        items: Rows of the catalogue.
        config: Sizes and dropout.
    """

    def __init__(self, items: int, config: Gru4RecConfig) -> None:
        super().__init__()
        self.item_embedding = nn.Embedding(items, config.dimension)
        self.start = nn.Parameter(torch.zeros(config.layers, config.hidden))
        between = config.dropout if config.layers > 1 else 0.0
        self.recurrence = nn.GRU(config.dimension, config.hidden, config.layers, batch_first=True, dropout=between)
        self.projection = nn.Linear(config.hidden, config.dimension)
        self.dropout = nn.Dropout(config.dropout)
        # First logits are small, and so the first loss is that of a guess.
        nn.init.normal_(self.item_embedding.weight, std=0.5 * config.dimension**-0.5)

    def states(self, history: Tensor) -> Tensor:
        """Computes the user's state after each item.

        Args:
            history: int64 [rows, length] item rows, oldest first, padded on the left with -1.

        Returns:
            float [rows, length, dimension]; position p depends on items 0 to p alone, and not on padding.
        """
        states, lengths = self._aligned(history)
        padding = history.shape[1] - lengths
        after = torch.arange(history.shape[1])[None, :] - padding[:, None]
        return self._query(states, after)

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Computes the state after the whole history; `RecallModel.encoder` has the shapes."""
        states, lengths = self._aligned(history)
        return self._query(states, (lengths - 1)[:, None]).squeeze(1)

    def _aligned(self, history: Tensor) -> tuple[Tensor, Tensor]:
        """The recurrent states with the padding moved to the right, where it comes too late to change any, and lengths."""
        length = history.shape[1]
        lengths = (history != PADDING).sum(dim=1)
        places = torch.arange(length)[None, :] + (length - lengths)[:, None]
        items = history.gather(1, places.clamp(max=length - 1)).clamp(min=0)
        start = self.start[:, None, :].expand(-1, history.shape[0], -1).contiguous()
        states, _ = self.recurrence(self.dropout(self.item_embedding(items)), start)
        return states, lengths

    def _query(self, states: Tensor, after: Tensor) -> Tensor:
        """The queries after each of these items, int64 [rows, asked]; -1 and less for before the first."""
        places = after.clamp(min=0)[:, :, None].expand(-1, -1, states.shape[2])
        reached = torch.where((after >= 0)[:, :, None], states.gather(1, places), self.start[-1])
        query: Tensor = self.projection(self.dropout(reached))
        return query


def fit_gru4rec(data: RecallData, config: Gru4RecConfig, context: FitContext) -> RecallModel:
    """Learns to predict every event from those before it.

    Raises:
        Unsuitable: there are no events.
    """
    if not len(data.events.items):
        raise Unsuitable("gru4rec learns from what follows what, and there are no events")
    torch.manual_seed(context.seed)
    model = Gru4Rec(len(data.items), config)
    compare = _loss_for(data, config, context.placement.device)
    windows = len(cut_windows(data.events, context.max_history))
    # A small data set gets more and smaller steps: an epoch of a handful of steps teaches next to nothing.
    batch = min(config.batch, max(_SMALLEST_BATCH, windows // _STEPS_IN_AN_EPOCH))

    def batches() -> Iterator[Windows]:
        # Seeded from torch's generator, so that its state alone decides how a fit goes on.
        cut = cut_windows(data.events, context.max_history, epoch_rng())
        for chosen in like_with_like((cut.target != PADDING).sum(axis=1), batch):
            yield Windows(cut.history[chosen], cut.target[chosen])

    epochs = fit_epochs(
        model,
        name="fit GRU4Rec",
        batches=batches,
        steps=-(-windows // batch),
        loss=lambda batch: _batch_loss(model, compare, batch),
        judge=lambda: validation_ndcg(
            model, _item_vectors(model), data.validation, data.user_features, context.max_history
        ),
        config=config,
        context=context,
        share=Windows.share,
    )
    return RecallModel(model, _item_vectors(model).copy(), epochs)


def like_with_like(lengths: npt.NDArray[np.int64], batch: int) -> Iterator[npt.NDArray[np.int64]]:
    """Gives the windows in an order of torch's generator, in batches of similar lengths: most histories are short."""
    for some in torch.split(torch.randperm(len(lengths)), batch * _BATCHES_SORTED):
        rows = some.numpy().reshape(-1)
        batches = torch.split(torch.as_tensor(rows[np.argsort(lengths[rows], kind="stable")]), batch)
        for place in torch.randperm(len(batches)).tolist():
            yield batches[place].numpy().reshape(-1)


def _batch_loss(model: Gru4Rec, compare: NextItemLoss, windows: Windows) -> Tensor:
    target = torch.as_tensor(windows.target)
    asked = target != PADDING
    # What all windows of a batch have as padding costs a step of the recurrence each, for nothing.
    empty = int((~asked).all(dim=0).sum())
    states = model.states(torch.as_tensor(windows.history[:, empty:]))
    return compare(states[asked[:, empty:]], model.item_embedding.weight, target[asked])


def _loss_for(data: RecallData, config: Gru4RecConfig, device: torch.device) -> NextItemLoss:
    if len(data.items) <= config.full_softmax_items:
        return FullSoftmaxLoss()
    counts = np.bincount(data.events.items, minlength=len(data.items)).astype(np.float64)
    return SampledSoftmaxLoss(counts, config.sampled_negatives, device)


def _item_vectors(model: Gru4Rec) -> npt.NDArray[np.float32]:
    vectors: npt.NDArray[np.float32] = model.item_embedding.weight.detach().numpy()
    return vectors


GRU4REC = RecallFamily(
    name="gru4rec",
    summary="Gated recurrent units over the history, in order (Hidasi et al., ICLR 2016)",
    config=Gru4RecConfig,
    fit=fit_gru4rec,
)
