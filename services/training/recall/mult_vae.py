"""Mult-VAE: a variational autoencoder of histories with a multinomial likelihood."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from services.training.recall.autoencoder import Autoencoder, AutoencoderConfig, fit_autoencoder, history_sets
from services.training.recall.history_sets import SetBatch
from services.training.recall.model import FitContext, RecallData, RecallFamily, RecallModel


class MultVaeConfig(AutoencoderConfig):
    """The size of a Mult-VAE and how strongly its codes are held together."""

    kl_cap: float = Field(default=0.2, ge=0, le=1, description="Final weight of the divergence from the prior.")
    kl_warm_up: float = Field(
        default=0.5, gt=0, description="Share of the longest possible fit over which that weight rises from 0."
    )


class MultVae(Autoencoder):
    """An autoencoder whose code is a Gaussian with a standard normal prior.

    Args:
        items: Rows of the catalogue.
        config: Sizes, dropout and the weight of the divergence.
        steps: Of the longest possible fit.
    """

    updates: Tensor

    def __init__(self, items: int, config: MultVaeConfig, steps: int) -> None:
        super().__init__(items, config, code_width=2 * config.latent)
        self.kl_cap = config.kl_cap
        self.kl_steps = max(1.0, config.kl_warm_up * steps)
        # A buffer, so that a fit that goes on from a checkpoint goes on with the weight it had.
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def code(self, encoded: Tensor) -> Tensor:
        """Returns the mean of the codes: [rows, latent]."""
        return encoded.chunk(2, dim=1)[0]

    def loss(self, batch: SetBatch) -> Tensor:
        """Returns minus the evidence's lower bound, the divergence in it weighted as far as the fit is."""
        mean, log_variance = self.read(batch).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance) if self.training else mean
        loss = self.negative_log_likelihood(code, batch) + self.kl_weight() * divergence(mean, log_variance)
        self.updates += int(self.training)
        return loss

    def kl_weight(self) -> float:
        """Returns the weight of the divergence as far as the fit is."""
        return min(self.kl_cap, self.kl_cap * float(self.updates) / self.kl_steps)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Returns the Kullback-Leibler divergence of Gaussians from a standard normal one, the mean over rows.

    Args:
        mean: float [rows, dimensions].
        log_variance: float [rows, dimensions], the logarithms of their variances.
    """
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1.0).sum(dim=1).mean()


def fit_mult_vae(data: RecallData, config: MultVaeConfig, context: FitContext) -> RecallModel:
    """Learns to tell a whole history from a part of it (Liang et al., WWW 2018).

    Raises:
        Unsuitable: nobody did anything.
    """
    sets = history_sets(data)
    torch.manual_seed(context.seed)
    model = MultVae(len(data.items), config, steps=config.epochs * -(-len(sets) // config.batch))
    return fit_autoencoder(
        model, name="fit Mult-VAE", loss=model.loss, sets=sets, data=data, config=config, context=context
    )


MULT_VAE = RecallFamily(
    name="mult_vae",
    summary="Variational autoencoder of histories with a multinomial likelihood (Liang et al., WWW 2018)",
    config=MultVaeConfig,
    fit=fit_mult_vae,
)
