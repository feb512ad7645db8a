"""Where a fit computes, how precisely, and beside which other processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Self

import torch
from torch import nn

from services.training.devices import (
    CPU,
    DeviceChoice,
    Precision,
    PrecisionChoice,
    choose_device,
    choose_precision,
)
from services.training.parallel.ranks import ALONE, Ranks


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a fit computes; by default on the CPU, in float32, in one process.

    A model is on the device for as long as it descends, and on the CPU, in float32, wherever else anybody sees it: when it is
    judged, written to a checkpoint, and exported.

    Attributes:
        device: Of what descends.
        precision: Of the products in losses (automatic mixed precision; Micikevicius et al., ICLR 2018). Parameters, their
            gradients and the optimiser are float32 throughout.
        ranks: The processes that share each batch.
    """

    device: torch.device = CPU
    precision: Precision = "float32"
    ranks: Ranks = ALONE

    @classmethod
    def choose(cls, device: DeviceChoice = "auto", precision: PrecisionChoice = "auto", ranks: Ranks = ALONE) -> Self:
        """Returns where to compute on this machine.

        Raises:
            DeviceMissing: cuda was asked for, and there is no GPU, or fewer than processes.
        """
        gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
        chosen = choose_device(device, ranks, gpus)
        if chosen.type == "cuda":
            torch.cuda.set_device(chosen)
        native = chosen.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return cls(chosen, choose_precision(precision, chosen, bfloat16=native), ranks)

    def __str__(self) -> str:
        """For people: `cuda (NVIDIA H100), bfloat16, 2 processes`."""
        name = f" ({torch.cuda.get_device_name(self.device)})" if self.device.type == "cuda" else ""
        processes = f"{self.ranks.size} processes" if self.ranks.size > 1 else "1 process"
        return f"{self.device.type}{name}, {self.precision}, {processes}"

    @contextmanager
    def holding(self, model: nn.Module) -> Iterator[None]:
        """Has a model on the device inside; afterwards it is on the CPU again, its parameters the same objects."""
        if self.device.type == "cpu":
            yield
            return
        model.to(self.device)
        try:
            yield
        finally:
            model.to(CPU)

    @contextmanager
    def computing_loss(self) -> Iterator[None]:
        """Makes new tensors on the device inside, and computes products in the precision."""
        autocast = (
            nullcontext()
            if self.precision == "float32"
            else torch.autocast(self.device.type, dtype=getattr(torch, self.precision))
        )
        with self.device if self.device.type != "cpu" else nullcontext(), autocast:
            yield


ON_CPU = Placement()
