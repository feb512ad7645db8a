"""The loop of every fit: what it leaves, and how it goes on after an interruption."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import structlog
import torch
from torch import Tensor

from services.training.optimisation import Epoch
from services.training.runs.run import Run, open_run
from tests.unit.training.small_fit import CONFIG, small_fit


class Interrupted(Exception):
    """The process was asked to stop."""


def run_in(folder: Path, said: list[str] | None = None, stop_after: int | None = None, digest: str = "data") -> Run:
    """Returns a run that is interrupted after the epoch of a number, if at all."""

    def watch(stage: str, number: int, epoch: Epoch) -> None:  # noqa: ARG001 - the signature of Run.watch
        if number == stop_after:
            raise Interrupted

    return Run(folder, digest, (said if said is not None else []).append, watch)


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two states are the same, bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("stop_after", [0, 3, 7])
def test_an_interrupted_fit_ends_as_one_that_was_not(tmp_path: Path, stop_after: int) -> None:
    """Bit for bit: parameters, batch statistics, what the epochs gave, and the random numbers that come afterwards."""
    expected, history = small_fit(None)
    next_numbers = torch.rand(3), np.random.rand(3)
    with pytest.raises(Interrupted):
        small_fit(run_in(tmp_path, stop_after=stop_after))
    torch.manual_seed(99)
    said: list[str] = []

    state, epochs = small_fit(run_in(tmp_path, said))

    assert said == [f"fit small: resumes after epoch {stop_after + 1}"]
    assert equal(state, expected)
    assert epochs == history
    assert torch.equal(torch.rand(3), next_numbers[0])
    assert np.array_equal(np.random.rand(3), next_numbers[1])


def test_a_killed_process_is_gone_on_with(tmp_path: Path) -> None:
    """SIGKILL in the middle of the fourth epoch; another process resumes and ends as one that was never killed."""
    program = (sys.executable, "-m", "tests.unit.training.small_fit")
    folder, result = tmp_path / "run", tmp_path / "result"
    with subprocess.Popen(
        (*program, str(folder), str(result), "3"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "waiting\n"
        assert len(list(folder.glob("*.checkpoint"))) == 1
        os.kill(victim.pid, signal.SIGKILL)
    assert victim.returncode == -signal.SIGKILL
    assert not result.exists()

    said = subprocess.run(
        (*program, str(folder), str(result)), check=True, capture_output=True, text=True, timeout=60
    ).stdout

    assert said == "fit small: resumes after epoch 3\n"
    assert equal(torch.load(result), small_fit(None)[0])


def test_a_finished_fit_is_not_repeated(tmp_path: Path) -> None:
    """What was killed after it, in a later stage, begins with its result."""
    expected, history = small_fit(run_in(tmp_path))

    state, epochs = small_fit(run_in(tmp_path, stop_after=0))

    assert equal(state, expected)
    assert epochs == history


def test_a_fit_that_patience_ended_is_not_gone_on_with(tmp_path: Path) -> None:
    """Resumed, it stops where it stopped."""
    config = CONFIG.model_copy(update={"epochs": 30, "patience": 1, "learning_rate": 0.5})
    _, history = small_fit(run_in(tmp_path), config=config)
    assert len(history) < 30

    _, epochs = small_fit(run_in(tmp_path, stop_after=0), config=config)

    assert epochs == history


@pytest.mark.parametrize(
    "other",
    [
        {"config": CONFIG.model_copy(update={"weight_decay": 0.02})},
        {"seed": 1},
        {"shift": 0.25},
    ],
    ids=str,
)
def test_other_settings_begin_anew_and_say_so(tmp_path: Path, other: dict[str, object]) -> None:
    """Rates, the seed and what the model begins with count; the result is that of a fit without a checkpoint."""
    small_fit(run_in(tmp_path))
    said: list[str] = []

    state, _ = small_fit(run_in(tmp_path, said), **other)  # type: ignore[arg-type]

    assert len(said) == 1
    assert "begins anew" in said[0]
    assert equal(state, small_fit(None, **other)[0])  # type: ignore[arg-type]


def test_other_data_begin_anew_and_say_so(tmp_path: Path) -> None:
    """Though the settings are the same."""
    small_fit(run_in(tmp_path))
    said: list[str] = []

    with pytest.raises(Interrupted):
        small_fit(run_in(tmp_path, said, stop_after=0, digest="other data"))

    assert "begins anew" in said[0]


@pytest.mark.parametrize("damage", ["torn", "flipped", "empty", "foreign"])
def test_a_damaged_checkpoint_is_ignored(tmp_path: Path, damage: str) -> None:
    """The fit begins anew, warns, and ends as it should."""
    with pytest.raises(Interrupted):
        small_fit(run_in(tmp_path, stop_after=2))
    (path,) = tmp_path.glob("*.checkpoint")
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(
        {
            "torn": content[:half],
            "flipped": content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :],
            "empty": b"",
            "foreign": b"not a checkpoint at all",
        }[damage]
    )
    said: list[str] = []

    with structlog.testing.capture_logs() as logs:
        state, epochs = small_fit(run_in(tmp_path, said))

    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert said == []
    assert len(epochs) == CONFIG.epochs
    assert equal(state, small_fit(None)[0])


def test_what_is_frozen_is_not_written_again(tmp_path: Path) -> None:
    """A ranker has all item vectors in it: a checkpoint holds what has changed since the fit began."""
    small_fit(run_in(tmp_path))
    (path,) = tmp_path.glob("*.checkpoint")

    with path.open("rb") as file:
        file.seek(len(b"winnow-checkpoint-1\n") + 32)
        state = torch.load(file, weights_only=True)

    assert "frozen" not in state["model"] | state["best parameters"]
    assert "0.weight" in state["model"]


def test_another_number_of_threads_resumes_and_says_what_that_means(tmp_path: Path) -> None:
    """A job may go on on another machine."""
    with pytest.raises(Interrupted):
        small_fit(run_in(tmp_path, stop_after=2))
    said: list[str] = []
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        small_fit(run_in(tmp_path, said))
    finally:
        torch.set_num_threads(before)

    assert said[0] == "fit small: resumes after epoch 3"
    assert "last bits" in said[1]


def test_a_run_without_a_folder_to_write_to_fails_plainly(tmp_path: Path) -> None:
    """A checkpoint that cannot be written is no checkpoint."""
    (tmp_path / "taken").touch()
    with open_run(tmp_path / "run", "data") as run, pytest.raises(OSError, match="taken"):
        small_fit(replace(run, folder=tmp_path / "taken"))
