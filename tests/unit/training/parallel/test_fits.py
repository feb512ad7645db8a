"""What two processes fit together is what one would have fitted."""

import pytest
import torch

from tests.unit.training.parallel.fits import RANKING, RECALL, Fitted, fit, on_cpu
from tests.unit.training.parallel.launched import torchrun

pytestmark = pytest.mark.timeout(600)
EVERY = pytest.mark.parametrize("name", [*RECALL, *RANKING])

Both = tuple[dict[str, Fitted], dict[str, Fitted]]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """What each of two processes came to."""
    folder = tmp_path_factory.mktemp("fits")
    ended = torchrun("tests.unit.training.parallel.fits", str(folder))
    assert ended.returncode == 0, ended.stderr
    first, second = (torch.load(folder / f"{number}.pt", weights_only=False) for number in range(2))
    return {name: Fitted(*one) for name, one in first.items()}, {name: Fitted(*one) for name, one in second.items()}


@EVERY
def test_two_processes_fit_what_one_would(both: Both, name: str) -> None:
    """Every epoch's loss and quality, and the parameters, though shares differ in size and some have nothing in them."""
    alone, together = fit(name, on_cpu()), both[0][name]

    assert [epoch.loss for epoch in together.epochs] == pytest.approx([epoch.loss for epoch in alone.epochs], rel=1e-5)
    assert [epoch.ndcg for epoch in together.epochs] == pytest.approx([epoch.ndcg for epoch in alone.epochs], abs=5e-3)
    assert together.parameters.keys() == alone.parameters.keys()
    for parameter, expected in alone.parameters.items():
        # AdamW makes steps of one size of gradients of any size: where there is none, as for what no order of a list depends
        # on, it goes by what rounding left.
        torch.testing.assert_close(together.parameters[parameter], expected, rtol=1e-3, atol=1e-2)


@EVERY
def test_all_processes_end_with_the_same_model(both: Both, name: str) -> None:
    """Bit for bit: what is fitted next stands on it."""
    first, second = (fits[name] for fits in both)

    assert first.epochs == second.epochs
    for parameter, expected in first.parameters.items():
        assert torch.equal(second.parameters[parameter], expected), parameter
