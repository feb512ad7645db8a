"""That a fit computes on the device of its placement, and nowhere else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.training.parallel.fits import ELSEWHERE

pytestmark = pytest.mark.timeout(400)

Told = dict[str, list[list[list[float]] | str]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What the epochs gave on the CPU and on a pretended device, by the fit's name."""
    result = tmp_path_factory.mktemp("elsewhere") / "told.json"
    program = (sys.executable, "-m", "tests.unit.training.elsewhere", str(result))
    ended = subprocess.run(program, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found: Told = json.loads(Path(result).read_text())
    return found


def test_the_pretended_device_refuses_tensors_of_the_cpu(told: Told) -> None:
    """As a GPU does: what passes below would not otherwise mean anything."""
    assert told["mixed"][0] == "aten::add: tensors of two devices"


@pytest.mark.parametrize("name", ELSEWHERE)
def test_every_kind_of_fit_computes_on_its_device(told: Told, name: str) -> None:
    """No tensor of the CPU meets one of the device, the batches are the same, and so is what is learned and judged."""
    here, there = told[name]

    assert isinstance(there, list), there
    assert isinstance(here, list)
    for (loss, ndcg), (expected_loss, expected_ndcg) in zip(there, here, strict=True):
        assert loss == pytest.approx(expected_loss, rel=1e-5)
        assert ndcg == pytest.approx(expected_ndcg, abs=5e-3)
