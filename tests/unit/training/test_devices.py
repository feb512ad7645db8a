"""What a job computes on, where there is no GPU and where there are some."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from services.training.__main__ import main
from services.training.devices import CPU, DeviceMissing, choose_device, choose_precision, on_device
from services.training.parallel.ranks import ALONE, ProcessGroup
from services.training.placement import Placement


def test_auto_takes_a_gpu_where_there_is_one() -> None:
    """And the processor elsewhere; whoever asks for the processor gets it."""
    assert choose_device("auto", ALONE, gpus=0) == CPU
    assert choose_device("auto", ALONE, gpus=2) == torch.device("cuda", 0)
    assert choose_device("cpu", ALONE, gpus=2) == CPU


def test_a_gpu_that_is_not_there_is_an_error_that_says_what_to_do() -> None:
    """Never the processor in silence."""
    with pytest.raises(DeviceMissing, match=r"sees no GPU.*--device cpu"):
        choose_device("cuda", ALONE, gpus=0)


def test_each_process_has_a_gpu_of_its_own() -> None:
    """By its number on its machine; more processes than GPUs are refused."""
    third = ProcessGroup(number=7, size=8, local_number=3, local_size=4)

    assert choose_device("auto", third, gpus=4) == torch.device("cuda", 3)
    with pytest.raises(DeviceMissing, match="4 processes on a machine where torch sees 2 GPUs"):
        choose_device("auto", third, gpus=2)


def test_auto_takes_16_bits_on_a_gpu_alone() -> None:
    """Of the kind that it has instructions for; what was asked for is taken anywhere."""
    gpu = torch.device("cuda", 0)

    assert choose_precision("auto", CPU, bfloat16=False) == "float32"
    assert choose_precision("auto", gpu, bfloat16=True) == "bfloat16"
    assert choose_precision("auto", gpu, bfloat16=False) == "float16"
    assert choose_precision("bfloat16", CPU, bfloat16=False) == "bfloat16"
    assert choose_precision("float32", gpu, bfloat16=True) == "float32"


def test_a_placement_says_what_it_is() -> None:
    """For reports."""
    assert str(Placement.choose("cpu")) == "cpu, float32, 1 process"
    assert str(Placement.choose("cpu", "bfloat16", ProcessGroup(0, 2, 0, 2))) == "cpu, bfloat16, 2 processes"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_job_that_asks_for_a_gpu_ends_before_it_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the status of what cannot be used."""
    status = main(["--device", "cuda", "--out", str(tmp_path / "out"), "--quiet"])

    assert status == 2
    assert "device cuda was asked for" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


class Pair(NamedTuple):
    """A batch of two tensors."""

    first: Tensor
    second: Tensor | None


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of all kinds."""

    rows: Tensor
    pair: Pair
    window: np.ndarray


def test_a_batch_goes_to_the_device_whole() -> None:
    """Whatever it is made of; what is no tensor stays."""
    batch = Batch(torch.ones(2), Pair(torch.zeros(3), None), np.ones(2))

    (first,), (tensor, number) = on_device(([batch], (torch.ones(1), 7)), torch.device("meta"))

    assert isinstance(first, Batch)
    assert isinstance(first.pair, Pair)
    assert {one.device.type for one in (first.rows, first.pair.first, tensor)} == {"meta"}
    assert first.pair.second is None
    assert first.window is batch.window
    assert number == 7


def test_on_the_cpu_nothing_is_copied() -> None:
    """The default costs nothing."""
    batch = Pair(torch.ones(2), None)
    assert on_device(batch, CPU) is batch
