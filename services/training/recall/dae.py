"""Mult-DAE: a denoising autoencoder of histories with a multinomial likelihood."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from services.training.recall.autoencoder import Autoencoder, AutoencoderConfig, fit_autoencoder, history_sets
from services.training.recall.history_sets import SetBatch
from services.training.recall.model import FitContext, RecallData, RecallFamily, RecallModel


class DaeConfig(AutoencoderConfig):
    """The size of a Mult-DAE."""

    hidden: tuple[int, ...] = Field(
        default=(), description="Widths between items and code, from the items; the decoder has them reversed."
    )
    weight_decay: float = Field(default=0.01, ge=0, description="Decoupled weight decay.")


class Dae(Autoencoder):
    """An autoencoder whose code is a point.

    Args:
        items: Rows of the catalogue.
        config: Sizes and dropout.
    """

    def __init__(self, items: int, config: DaeConfig) -> None:
        super().__init__(items, config, code_width=config.latent)

    def code(self, encoded: Tensor) -> Tensor:
        """Returns the codes: [rows, latent]."""
        return torch.tanh(encoded)

    def loss(self, batch: SetBatch) -> Tensor:
        """Returns minus the log-likelihood of whole histories, given a part of each."""
        return self.negative_log_likelihood(self.code(self.read(batch)), batch)


def fit_dae(data: RecallData, config: DaeConfig, context: FitContext) -> RecallModel:
    """Learns to tell a whole history from a part of it (Mult-DAE of Liang et al., WWW 2018).

    Raises:
        Unsuitable: nobody did anything.
    """
    sets = history_sets(data)
    torch.manual_seed(context.seed)
    model = Dae(len(data.items), config)
    return fit_autoencoder(
        model, name="fit Mult-DAE", loss=model.loss, sets=sets, data=data, config=config, context=context
    )


DAE = RecallFamily(
    name="dae",
    summary="Denoising autoencoder of histories with a multinomial likelihood (Liang et al., WWW 2018)",
    config=DaeConfig,
    fit=fit_dae,
)
