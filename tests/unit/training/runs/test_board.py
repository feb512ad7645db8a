"""The curves of a fit."""

import sys
from pathlib import Path
from typing import Any

import pytest

from services.training.runs.board import open_board
from services.training.runs.run import Run
from tests.unit.training.small_fit import CONFIG, small_fit


def events_in(folder: Path) -> Any:
    """Returns what TensorBoard reads in a folder."""
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulators.EventAccumulator(str(folder))
    events.Reload()
    return events


def test_every_epoch_is_a_point_of_four_curves(tmp_path: Path) -> None:
    """Loss, NDCG, learning rate and seconds, and the settings beside them."""
    pytest.importorskip("tensorboard")
    _, epochs = small_fit(Run(tmp_path, "data"))

    events = events_in(tmp_path / "tensorboard" / "fit-small")
    assert sorted(events.Tags()["scalars"]) == ["NDCG@10", "learning rate", "loss", "seconds"]
    assert [point.value for point in events.Scalars("loss")] == pytest.approx([epoch.loss for epoch in epochs])
    assert [point.step for point in events.Scalars("NDCG@10")] == list(range(CONFIG.epochs))
    assert b'"weight_decay": 0.01' in events.Tensors("settings/text_summary")[0].tensor_proto.string_val[0]


def test_a_resumed_fit_replaces_what_was_lost(tmp_path: Path) -> None:
    """An epoch that was shown, but not saved, is one point in the end."""
    pytest.importorskip("tensorboard")
    with open_board(tmp_path, "") as board:
        for number in range(3):
            board.show(number, {"loss": 1.0})
    with open_board(tmp_path, "", epochs=2) as board:
        board.show(2, {"loss": 0.5})

    assert [(point.step, point.value) for point in events_in(tmp_path).Scalars("loss")] == [(0, 1), (1, 1), (2, 0.5)]


def test_nothing_is_shown_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training needs no TensorBoard."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)

    with open_board(tmp_path / "board", "") as board:
        board.show(0, {"loss": 1.0})

    assert not (tmp_path / "board").exists()
