"""Mixed precision, on the processor: what a GPU does with it differs in speed alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from services.training.devices import Precision
from services.training.export import deviation, export_encoder
from services.training.fitting import DescentConfig, fit_epochs
from services.training.job import train
from services.training.placement import Placement
from services.training.progress import Silence
from services.training.recall.model import FitContext
from services.training.recall.registry import RECALL_MODELS
from shared.snapshot.graphs import ENCODER
from tests.unit.training.chains import chain_dataset, tiny_config
from tests.unit.training.parallel.fits import MAX_HISTORY, RANKING, RECALL, fit, recall_data

PRECISIONS = pytest.mark.parametrize("precision", ["bfloat16", "float16"])


def context(precision: Precision) -> FitContext:
    """Returns the circumstances of a fit on the CPU in this precision."""
    return FitContext(0, MAX_HISTORY, 1, Silence(), placement=Placement(precision=precision))


def observed(precision: Precision) -> tuple[set[torch.dtype], set[torch.dtype], nn.Linear]:
    """The types of products in the loss and in what is judged, and the fitted model."""
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    inputs = torch.randn(64, 4)
    in_loss, judged = set(), set()

    def batches() -> Iterator[Tensor]:
        yield from torch.split(torch.randperm(64), 16)

    def loss(rows: Tensor) -> Tensor:
        product = model(inputs[rows])
        in_loss.add(product.dtype)
        error: Tensor = (product.float() - inputs[rows].sum(dim=1, keepdim=True)).square().mean()
        return error

    def judge() -> float:
        product = model(inputs)
        judged.add(product.dtype)
        return -float((product - inputs.sum(dim=1, keepdim=True)).square().mean().detach())

    config = DescentConfig(epochs=30, patience=30, learning_rate=0.1)
    fit_epochs(
        model, name="line", batches=batches, steps=4, loss=loss, judge=judge, config=config, context=context(precision)
    )
    return in_loss, judged, model


@PRECISIONS
def test_losses_are_computed_in_16_bits_and_judged_in_32(precision: Precision) -> None:
    """And the parameters, which are float32, reach their goal."""
    in_loss, judged, model = observed(precision)

    assert in_loss == {getattr(torch, precision)}
    assert judged == {torch.float32} == {parameter.dtype for parameter in model.parameters()}
    torch.testing.assert_close(model.weight.detach(), torch.ones(1, 4), atol=0.02, rtol=0.0)


def test_without_being_asked_nothing_is_rounded_to_16_bits() -> None:
    """The default on the CPU."""
    assert observed("float32")[0] == {torch.float32}


@PRECISIONS
@pytest.mark.parametrize("name", [*RECALL, *RANKING])
def test_every_kind_of_fit_ends_about_where_it_does_in_32_bits(name: str, precision: Precision) -> None:
    """Also what has sums over the catalogue, numbers far below 0, or sparse matrices in its loss."""
    fitted, exact = fit(name, context(precision)), fit(name, context("float32"))

    assert all(value.dtype != getattr(torch, precision) for value in fitted.parameters.values())
    assert all(bool(value.isfinite().all()) for value in fitted.parameters.values())
    # Products with a sparse graph stay in 32 bits.
    assert (fitted.epochs == exact.epochs) == (name == "lightgcn")
    last, expected = fitted.epochs[-1], exact.epochs[-1]
    assert last.loss == pytest.approx(expected.loss, rel=0.05)
    assert last.ndcg == pytest.approx(expected.ndcg, abs=0.05)


def test_what_was_fitted_in_16_bits_is_exported_in_32(tmp_path: Path) -> None:
    """And the graph computes what the module does."""
    config = RECALL_MODELS["sasrec"].config(**RECALL["sasrec"])
    encoder = RECALL_MODELS["sasrec"].fit(recall_data(), config, context("bfloat16")).encoder
    users = torch.zeros(3, recall_data().user_features.shape[1])
    path = tmp_path / "encoder.onnx"
    export_encoder(encoder, len(recall_data().items), MAX_HISTORY, path, user_features=users.shape[1])
    history = torch.tensor([[-1, -1, 3], [5, 6, 7], [-1, -1, -1]])

    with torch.inference_mode():
        expected = encoder(history, users).numpy()
    model = ENCODER.open(path, 1)

    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    assert deviation(model, {"history": history.numpy(), "user_features": users.numpy()}, expected) < 1e-4


def test_a_job_in_bfloat16_publishes_what_it_checked(tmp_path: Path) -> None:
    """Its snapshot ranks, its graphs agree with the modules, and the report and run.toml say how it was fitted."""
    outcome = train(tiny_config(precision="bfloat16", device="cpu"), chain_dataset(), tmp_path)

    stages = outcome.report.quality["test"]
    assert stages["ranked"]["ndcg@10"] > 4 * stages["popularity"]["ndcg@10"]
    assert outcome.report.onnx_deviation < 1e-4
    assert outcome.report.computed_on == "cpu, bfloat16, 1 process"
    assert "Models descended on cpu, bfloat16, 1 process." in (outcome.folder / "report.md").read_text()
    assert 'computed_on = "cpu, bfloat16, 1 process"' in (outcome.folder / "run.toml").read_text()
