"""What the autoencoders of histories have in common: the network, its likelihood and how it is asked.

Liang et al., "Variational Autoencoders for Collaborative Filtering", WWW 2018.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor, nn

from services.training.fitting import DescentConfig, fit_epochs
from services.training.recall.binary_history import first_places
from services.training.recall.history_sets import HistorySets, SetBatch
from services.training.recall.judging import validation_ndcg
from services.training.recall.model import FitContext, RecallData, RecallModel, Unsuitable


class AutoencoderConfig(DescentConfig):
    """The size of an autoencoder and how much it is not shown."""

    hidden: tuple[int, ...] = Field(
        default=(600,), description="Widths between items and code, from the items; the decoder has them reversed."
    )
    latent: int = Field(default=200, ge=1, description="Width of the code.")
    dropout: float = Field(default=0.5, ge=0, lt=1, description="Share of a history that is hidden in training.")
    batch: int = Field(default=256, ge=1, description="People in a batch.")
    epochs: int = Field(default=60, ge=1, description="Most passes over the data.")
    patience: int = Field(default=8, ge=1, description="Epochs without a better NDCG@10 before it stops.")


class Autoencoder(nn.Module):
    """From a history, divided by its length as a vector, through a narrow code to a logit for each item.

    Args:
        items: Rows of the catalogue.
        config: Sizes and dropout.
        code_width: Of what the encoder gives: more than the code where it says how sure it is.
    """

    def __init__(self, items: int, config: AutoencoderConfig, code_width: int) -> None:
        super().__init__()
        widths = [*config.hidden, code_width]
        self.dropout = config.dropout
        # The first layer is kept item by item: a history of 50 takes 50 rows, not a product with the whole matrix.
        self.item_inputs = nn.Parameter(torch.empty(items, widths[0]))
        self.input_bias = nn.Parameter(torch.zeros(widths[0]))
        self.encoder = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(widths))
        outward = [config.latent, *reversed(config.hidden)]
        self.decoder = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(outward))
        self.output = nn.Linear(outward[-1], items)
        nn.init.xavier_uniform_(self.item_inputs)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def read(self, batch: SetBatch) -> Tensor:
        """Returns what the encoder makes of whole histories, parts of them hidden in training: [people, code width]."""
        weights = batch.lengths.to(torch.float32).rsqrt().repeat_interleave(batch.lengths)
        weights = nn.functional.dropout(weights, self.dropout, self.training)
        summed = nn.functional.embedding_bag(
            batch.items, self.item_inputs, batch.offsets, mode="sum", per_sample_weights=weights
        )
        return self.encode(summed)

    def ask(self, history: Tensor) -> Tensor:
        """Returns what the encoder makes of padded histories, int64 [queries, length]: [queries, code width]."""
        shown = first_places(history)
        weights = shown * shown.sum(dim=1, keepdim=True).clamp(min=1.0).rsqrt()
        return self.encode(torch.matmul(weights[:, None, :], self.item_inputs[history.clamp(min=0)]).squeeze(1))

    def encode(self, summed: Tensor) -> Tensor:
        """Goes on from the sum of the items' inputs."""
        state = summed + self.input_bias
        for layer in self.encoder:
            state = layer(torch.tanh(state))
        return state

    def decode(self, code: Tensor) -> Tensor:
        """Goes from the code to the last layer but one: [rows, widest of the decoder]."""
        for layer in self.decoder:
            code = torch.tanh(layer(code))
        return code

    def code(self, encoded: Tensor) -> Tensor:
        """Returns the code at its most likely: [rows, latent]."""
        raise NotImplementedError

    def negative_log_likelihood(self, code: Tensor, batch: SetBatch) -> Tensor:
        """Returns minus the multinomial log-likelihood of the histories, a person's mean, without its constant."""
        # The product may come in 16 bits, of which a sum over the catalogue would leave little.
        logits = self.output(self.decode(code)).float()
        explained = logits[batch.owners(), batch.items].sum()
        rivals = torch.dot(torch.logsumexp(logits, dim=1), batch.lengths.to(logits.dtype))
        loss: Tensor = (rivals - explained) / len(code)
        return loss

    def item_vectors(self) -> npt.NDArray[np.float32]:
        """Returns the last layer with its bias as one more dimension: float32 [items, dimension]."""
        with torch.no_grad():
            return torch.cat([self.output.weight, self.output.bias[:, None]], dim=1).numpy()


class AutoencoderQuery(nn.Module):
    """The last layer but one as a query, and a one for the items' biases.

    Args:
        autoencoder: Fitted.
    """

    def __init__(self, autoencoder: Autoencoder) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Computes the queries; `RecallModel.encoder` has the shapes."""
        state = self.autoencoder.decode(self.autoencoder.code(self.autoencoder.ask(history)))
        return torch.cat([state, torch.ones_like(state[:, :1])], dim=1)


def fit_autoencoder(
    model: Autoencoder,
    *,
    name: str,
    loss: Callable[[SetBatch], Tensor],
    sets: HistorySets,
    data: RecallData,
    config: AutoencoderConfig,
    context: FitContext,
) -> RecallModel:
    """Fits an autoencoder to whole histories and keeps the epoch that validates best.

    Args:
        model: Fitted in place.
        name: Of the stage.
        loss: Of a batch, to be made small.
        sets: Histories to learn from.
        data: Has the validation queries.
        config: Rates and limits.
        context: The circumstances of the fit.
    """
    query = AutoencoderQuery(model)
    epochs = fit_epochs(
        model,
        name=name,
        batches=lambda: sets.shuffled(config.batch),
        steps=-(-len(sets) // config.batch),
        loss=loss,
        judge=lambda: validation_ndcg(
            query.eval(), model.item_vectors(), data.validation, data.user_features, context.max_history
        ),
        config=config,
        context=context,
        share=SetBatch.share,
    )
    # Serving has no use for the last layer: its vectors are in the index.
    vectors = model.item_vectors().copy()
    del model.output
    return RecallModel(query.eval(), vectors, epochs)


def history_sets(data: RecallData) -> HistorySets:
    """Returns the histories to learn from.

    Raises:
        Unsuitable: nobody did anything.
    """
    sets = HistorySets(data.events, len(data.items))
    if not len(sets):
        raise Unsuitable("an autoencoder learns from histories, and nobody has one")
    return sets
