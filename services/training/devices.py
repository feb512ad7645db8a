"""What a fit computes on, and with how many bits."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, TypeVar, cast

import torch
from torch import Tensor

from services.training.parallel.ranks import Ranks

DeviceChoice = Literal["auto", "cpu", "cuda"]
PrecisionChoice = Literal["auto", "float32", "bfloat16", "float16"]
Precision = Literal["float32", "bfloat16", "float16"]

T = TypeVar("T")

CPU = torch.device("cpu")


class DeviceMissing(ValueError):
    """A device was asked for that is not there."""


def choose_device(asked: DeviceChoice, ranks: Ranks, gpus: int) -> torch.device:
    """Returns the device of this process: on GPUs, one of its own.

    Args:
        asked: auto takes a GPU where there is one.
        ranks: The processes of the job.
        gpus: How many GPUs torch sees.

    Raises:
        DeviceMissing: cuda was asked for and there is no GPU, or there are fewer than processes on this machine.
    """
    if asked == "cpu" or (asked == "auto" and not gpus):
        return CPU
    if not gpus:
        raise DeviceMissing(
            f"device cuda was asked for, and torch {torch.__version__} sees no GPU. It needs a build of torch for CUDA and "
            f"NVIDIA's driver; nvidia-smi shows what the driver sees, and CUDA_VISIBLE_DEVICES may hide it. "
            f"On the processor: --device cpu"
        )
    if ranks.local_size > gpus:
        raise DeviceMissing(
            f"{ranks.local_size} processes on a machine where torch sees {gpus} GPUs: start at most one for each, "
            f"--nproc-per-node {gpus}"
        )
    return torch.device("cuda", ranks.local_number)


def choose_precision(asked: PrecisionChoice, device: torch.device, *, bfloat16: bool) -> Precision:
    """Returns what products are computed with in a fit.

    Args:
        asked: auto takes 16 bits on a GPU and 32 elsewhere.
        device: Of the fit.
        bfloat16: Whether the GPU has instructions for bfloat16, which needs no scaling of gradients as float16 does.
    """
    if asked != "auto":
        return asked
    if device.type == "cpu":
        return "float32"
    return "bfloat16" if bfloat16 else "float16"


def on_device(value: T, device: torch.device) -> T:
    """Returns a value whose tensors are on a device: itself on the CPU, elsewhere a copy.

    Args:
        value: A tensor, or a tuple, a list or a dataclass of such; all else, NumPy's arrays too, stays as it is.
        device: Where to.
    """
    return value if device.type == "cpu" else cast("T", _moved(value, device))


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_moved(part, device) for part in value))
    if isinstance(value, (tuple, list)):
        return type(value)(_moved(part, device) for part in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _moved(getattr(value, field.name), device) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value
