"""Exported graphs in the form that runs best."""

from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from services.training.export import export_encoder
from shared.snapshot.graphs import ENCODER

ITEMS = 600


class _TwoCopies(nn.Module):
    """Holds one table twice, as a ranker does that scores with the vectors its encoder looks up."""

    one: Tensor
    other: Tensor

    def __init__(self) -> None:
        super().__init__()
        table = torch.randn(ITEMS, 50, generator=torch.Generator().manual_seed(0))
        self.register_buffer("one", table)
        self.register_buffer("other", table.clone())

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """The last item in one copy plus the first in the other."""
        return self.one[history[:, -1].clamp(min=0)] + 2.0 * self.other[history[:, 0].clamp(min=0)]


def test_a_table_that_is_there_twice_is_written_once(tmp_path: Path) -> None:
    """The file is as large as one, and gives what both gave."""
    module, path = _TwoCopies().eval(), tmp_path / "encoder.onnx"
    export_encoder(module, ITEMS, 8, path, user_features=3)

    history = np.asarray([[5, 1, 2], [7, 7, 9]])
    given = ENCODER.open(path, threads=1)(history=history)

    np.testing.assert_allclose(given, module(torch.as_tensor(history), torch.zeros(2, 3)).numpy(), rtol=1e-6)
    assert path.stat().st_size < 1.2 * ITEMS * 50 * 4


def test_an_input_that_nothing_looks_at_is_not_asked_for(tmp_path: Path) -> None:
    """Callers would compute and send it for nothing."""
    path = tmp_path / "encoder.onnx"
    export_encoder(_TwoCopies().eval(), ITEMS, 8, path, user_features=3)

    assert [one.name for one in onnx.load(path).graph.input] == ["history"]
