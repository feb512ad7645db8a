"""Mult-VAE and Mult-DAE against the formulas of the paper, worked with NumPy on whole multi-hot histories."""

import numpy as np
import pytest
import torch

from services.training.recall.autoencoder import Autoencoder, AutoencoderQuery
from services.training.recall.dae import Dae, DaeConfig, fit_dae
from services.training.recall.history_sets import HistorySets
from services.training.recall.model import Unsuitable
from services.training.recall.mult_vae import MultVae, MultVaeConfig, divergence, fit_mult_vae
from tests.unit.training.recall.tiny import context, events, recall_data

ITEMS = 6
HISTORIES = [[0, 3, 3, 5], [2], [], [1, 2, 4]]
MULTI_HOT = np.array([[1, 0, 0, 1, 0, 1], [0, 0, 1, 0, 0, 0], [0, 1, 1, 0, 1, 0]], dtype=np.float64)


def parameters(model: Autoencoder) -> dict[str, np.ndarray]:
    """Random parameters, biases too, put into the model and returned in double precision."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.7, generator=generator)
    return {name: value.detach().numpy().astype(np.float64) for name, value in model.named_parameters()}


def encoded(multi_hot: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """The encoder: a history of length 1 as a vector, a hidden layer, and what the code is made of."""
    unit = multi_hot / np.maximum(np.linalg.norm(multi_hot, axis=1, keepdims=True), 1e-12)
    hidden = np.tanh(unit @ weights["item_inputs"] + weights["input_bias"])
    return hidden @ weights["encoder.0.weight"].T + weights["encoder.0.bias"]


def decoded(code: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """The decoder: a hidden layer and a logit for each item."""
    hidden = np.tanh(code @ weights["decoder.0.weight"].T + weights["decoder.0.bias"])
    return hidden @ weights["output.weight"].T + weights["output.bias"]


def likelihood(multi_hot: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """The multinomial log-likelihood of each row without its constant."""
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return (multi_hot * np.log(share)).sum(axis=1)


def vae() -> MultVae:
    """A Mult-VAE that hides nothing."""
    return MultVae(ITEMS, MultVaeConfig(hidden=(5,), latent=3, dropout=0.0, kl_cap=0.4, kl_warm_up=0.5), steps=20)


def test_mult_vae_s_loss_is_the_weighted_bound_of_the_paper() -> None:
    """At the mean of the code: minus the log-likelihood, and the divergence by its weight, over people with a history."""
    model = vae().eval()
    weights = parameters(model)
    model.updates.fill_(5)
    mean, log_variance = np.split(encoded(MULTI_HOT, weights), 2, axis=1)
    apart = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(axis=1)
    expected = np.mean(-likelihood(MULTI_HOT, decoded(mean, weights)) + 0.2 * apart)
    batch = HistorySets(events(HISTORIES), ITEMS).batch(np.arange(3))
    assert float(model.loss(batch)) == pytest.approx(expected, rel=1e-5)


def test_mult_dae_s_loss_is_the_likelihood_of_the_paper() -> None:
    """With a hyperbolic tangent at the code, which has no spread."""
    model = Dae(ITEMS, DaeConfig(hidden=(5,), latent=3, dropout=0.0)).eval()
    weights = parameters(model)
    logits = decoded(np.tanh(encoded(MULTI_HOT, weights)), weights)
    batch = HistorySets(events(HISTORIES), ITEMS).batch(np.arange(3))
    assert float(model.loss(batch)) == pytest.approx(-likelihood(MULTI_HOT, logits).mean(), rel=1e-5)


def test_a_query_and_an_item_s_vector_give_the_decoder_s_logit() -> None:
    """Biases too; a repeated item counts once, and somebody without a history gets the biases' opinion."""
    model = vae().eval()
    weights = parameters(model)
    history = torch.tensor([[-1, 0, 3, 3, 5], [-1, -1, -1, -1, 2], [-1, -1, -1, -1, -1]])
    with torch.no_grad():
        scores = AutoencoderQuery(model)(history, torch.zeros(3, 1)).numpy() @ model.item_vectors().T
    asked = np.concatenate([MULTI_HOT[:2], np.zeros((1, ITEMS))])
    expected = decoded(np.split(encoded(asked, weights), 2, axis=1)[0], weights)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def test_the_weight_of_the_divergence_rises_from_nothing_to_its_cap() -> None:
    """Over a share of the fit's steps, and stays there; being judged does not move it."""
    model = vae()
    batch = HistorySets(events(HISTORIES), ITEMS).batch(np.arange(3))
    weights = []
    for _ in range(12):
        weights.append(model.kl_weight())
        model.train().loss(batch)
        model.eval().loss(batch)
    np.testing.assert_allclose(weights, [0.04 * step for step in range(11)] + [0.4], rtol=1e-6)


def test_in_training_codes_spread_as_far_as_they_say() -> None:
    """The likelihood is that of a sample: with hardly any variance that of the mean, with much another each time."""
    batch = HistorySets(events(HISTORIES), ITEMS).batch(np.arange(3))
    model = vae()
    parameters(model)
    losses = {}
    for log_variance in (-60.0, 2.0):
        with torch.no_grad():
            model.encoder[0].weight[3:] = 0.0
            model.encoder[0].bias[3:] = log_variance
        model.updates.zero_()
        expected = float(model.eval().loss(batch))
        model.train()
        model.kl_cap = 0.0
        losses[log_variance] = [float(model.loss(batch)) - expected for _ in range(5)]
    np.testing.assert_allclose(losses[-60.0], 0.0, atol=1e-4)
    assert np.std(losses[2.0]) > 0.01


def test_the_divergence_of_the_prior_from_itself_is_nothing() -> None:
    """And a mean of one in a single dimension costs half."""
    assert float(divergence(torch.zeros(2, 3), torch.zeros(2, 3))) == 0.0
    assert float(divergence(torch.tensor([[1.0, 0.0]]), torch.zeros(1, 2))) == pytest.approx(0.5)


def test_part_of_a_history_is_hidden_in_training_alone() -> None:
    """So that what is predicted is not what is shown."""
    batch = HistorySets(events([list(range(ITEMS))]), ITEMS).batch(np.arange(1))
    torch.manual_seed(0)
    model = Dae(ITEMS, DaeConfig(latent=3, dropout=0.5))
    shown = [model.train().read(batch) for _ in range(8)]
    assert any(not torch.equal(shown[0], other) for other in shown)
    assert torch.equal(model.eval().read(batch), model.eval().read(batch))


def test_an_epoch_has_everybody_who_met_anything_once() -> None:
    """With each item once."""
    torch.manual_seed(0)
    seen = sorted(
        tuple(items.tolist())
        for batch in HistorySets(events(HISTORIES), ITEMS).shuffled(2)
        for items in torch.split(batch.items, batch.lengths.tolist())
    )
    assert seen == [(0, 3, 5), (1, 2, 4), (2,)]


@pytest.mark.parametrize(("fit", "config"), [(fit_mult_vae, MultVaeConfig()), (fit_dae, DaeConfig())])
def test_without_a_single_history_an_autoencoder_is_unsuitable(fit: object, config: object) -> None:
    """Rather than fitted to nothing."""
    with pytest.raises(Unsuitable, match="nobody has one"):
        fit(recall_data([[], []], ITEMS), config, context())  # type: ignore[operator]
