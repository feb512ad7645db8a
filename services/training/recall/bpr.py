"""BPR: vectors fitted so that what somebody met comes before what they did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from services.training.datasets import Sequences
from services.training.fitting import DescentConfig, fit_epochs
from services.training.optimisation import epoch_rng
from services.training.recall.binary_history import first_places
from services.training.recall.interaction_matrix import interaction_matrix
from services.training.recall.judging import validation_ndcg
from services.training.recall.model import FitContext, RecallData, RecallFamily, RecallModel, Unsuitable
from services.training.sequence.encoder import PADDING


class BprConfig(DescentConfig):
    """Sizes of the BPR model and how it is fitted."""

    dimension: int = Field(default=64, ge=1, description="Length of the vectors, without the item's bias.")
    negatives: int = Field(default=4, ge=1, description="Items that each item of a history is compared with.")
    length: int = Field(default=50, ge=2, description="Most items of somebody that an example has.")
    pooling: float = Field(
        default=0.5, ge=0, le=1, description="A history of n items is divided by n to this power; 1 is the mean."
    )
    epochs: int = Field(default=40, ge=1, description="Most passes over the data.")
    learning_rate: float = Field(default=1e-2, gt=0, description="Peak of the learning-rate schedule.")
    weight_decay: float = Field(default=1e-2, ge=0, description="Decoupled weight decay.")
    batch: int = Field(default=64, ge=1, description="People in a batch.")


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """What people met, and what to compare it with.

    Attributes:
        history: int64 [people, length], distinct items, padded with -1. Each is judged by all the others.
        negatives: int64 [people, length, negatives], for each item of the history.
    """

    history: Tensor
    negatives: Tensor

    def unmet(self) -> Tensor:
        """Returns 1 for each negative of an item that the person did not meet, 0 elsewhere: float, as `negatives`."""
        real = (self.history != PADDING).to(torch.float32)
        unmet = (self.negatives[..., None] != self.history[:, None, None, :]).all(dim=3).to(torch.float32)
        return unmet * real[..., None]

    def share(self, number: int, parts: int) -> tuple[Comparisons, int]:
        """Returns every `parts`-th person, from that number on, and how many pairs they have."""
        part = Comparisons(self.history[number::parts], self.negatives[number::parts])
        return part, int(part.unmet().sum())


class BprEncoder(nn.Module):
    """The sum of a vector for each distinct item, over a power of how many there are, and a 1 for the item's bias.

    Args:
        items: Rows of the catalogue.
        dimension: Length of the vectors.
        pooling: The power.
    """

    def __init__(self, items: int, dimension: int, pooling: float) -> None:
        super().__init__()
        self.pooling = pooling
        self.met = nn.Embedding(items, dimension)
        nn.init.normal_(self.met.weight, std=0.1 * dimension**-0.5)

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Computes the queries, float [queries, dimension + 1]; `RecallModel.encoder` has the shapes."""
        distinct = first_places(history)
        total = torch.matmul(distinct[:, None, :], self.met(history.clamp(min=0))).squeeze(1)
        count = distinct.sum(dim=1, keepdim=True).clamp(min=1.0)
        return torch.cat([total / count**self.pooling, torch.ones_like(count)], dim=1)


class BprModel(nn.Module):
    """The encoder and what it is compared with.

    Args:
        items: Rows of the catalogue.
        config: Sizes.
    """

    def __init__(self, items: int, config: BprConfig) -> None:
        super().__init__()
        self.encoder = BprEncoder(items, config.dimension, config.pooling)
        self.wanted = nn.Embedding(items, config.dimension)
        self.bias = nn.Embedding(items, 1)
        nn.init.normal_(self.wanted.weight, std=0.1 * config.dimension**-0.5)
        nn.init.zeros_(self.bias.weight)

    def item_vectors(self) -> npt.NDArray[np.float32]:
        """Returns the items' vectors with the bias behind: float32 [items, dimension + 1]."""
        with torch.inference_mode():
            return torch.cat([self.wanted.weight, self.bias.weight], dim=1).numpy().copy()

    def loss(self, batch: Comparisons) -> Tensor:
        """Returns -log sigmoid(score of an item met - score of one not met), mean over all such pairs."""
        history, negatives = batch.history, batch.negatives
        real = (history != PADDING).to(torch.float32)
        rows = history.clamp(min=0)
        met = self.encoder.met(rows) * real[..., None]
        # The item itself must be no part of what judges it, or it would learn to recommend itself.
        others = met.sum(dim=1, keepdim=True) - met
        count = (real.sum(dim=1)[:, None, None] - 1.0).clamp(min=1.0)
        person = others / count**self.encoder.pooling
        positive = (person * self.wanted(rows)).sum(dim=2) + self.bias(rows).squeeze(2)
        negative = torch.matmul(self.wanted(negatives), person[..., None]).squeeze(3) + self.bias(negatives).squeeze(3)
        unmet = batch.unmet()
        losses = functional.softplus(negative - positive[..., None]) * unmet
        return losses.sum() / unmet.sum().clamp(min=1.0)


def fit_bpr(data: RecallData, config: BprConfig, context: FitContext) -> RecallModel:
    """Fits Bayesian personalised ranking (Rendle et al., UAI 2009) to people known by what they met.

    BPR-MF has a row for each user. Here a person is the pooled vectors of the items met, without the one that is judged
    (FISM; Kabbur et al., KDD 2013), so that nobody needs to have been there while the model was fitted.

    Raises:
        Unsuitable: nobody met two items.
    """
    if not (np.diff(interaction_matrix(data.events, len(data.items)).indptr) > 1).any():
        raise Unsuitable(
            "nobody met two items, and bpr learns which go together; bring longer histories, or choose bm25"
        )
    torch.manual_seed(context.seed)
    items = len(data.items)
    model = BprModel(items, config)
    examples = -(-int(np.ceil(data.events.lengths / config.length).sum()) // config.batch)

    def judge() -> float:
        return validation_ndcg(
            model.encoder, model.item_vectors(), data.validation, data.user_features, context.max_history
        )

    epochs = fit_epochs(
        model,
        name="fit BPR",
        batches=lambda: _batches(data.events, items, config),
        steps=max(1, examples),
        loss=model.loss,
        judge=judge,
        config=config,
        context=context,
        share=Comparisons.share,
    )
    return RecallModel(model.encoder.eval(), model.item_vectors(), epochs)


def _batches(events: Sequences, items: int, config: BprConfig) -> Iterator[Comparisons]:
    """Everybody's items in a new order, cut into examples of at most `length`, with negatives drawn for each."""
    rng = epoch_rng()
    matrix = interaction_matrix(events, items)
    parts: list[npt.NDArray[np.integer]] = []
    for user in np.flatnonzero(np.diff(matrix.indptr) > 1).tolist():
        met = rng.permutation(matrix.indices[matrix.indptr[user] : matrix.indptr[user + 1]])
        parts += np.array_split(met, -(-len(met) // config.length))
    order = rng.permutation(len(parts))
    for start in range(0, len(order), config.batch):
        chosen = [parts[place] for place in order[start : start + config.batch].tolist()]
        history = np.full((len(chosen), max(map(len, chosen))), PADDING, dtype=np.int64)
        for row, part in zip(history, chosen, strict=True):
            row[: len(part)] = part
        negatives = rng.integers(items, size=(*history.shape, config.negatives))
        yield Comparisons(torch.as_tensor(history), torch.as_tensor(negatives))


BPR = RecallFamily(
    name="bpr",
    summary="Bayesian personalised ranking of pooled item vectors (Rendle et al., UAI 2009; FISM, KDD 2013)",
    config=BprConfig,
    fit=fit_bpr,
)
