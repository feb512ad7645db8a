"""The same model fitted on the processor, on a GPU in 32 and in 16 bits, and on all GPUs together.

`python -m tests.bench.training_on_gpu` needs a GPU; without one it says so and ends with status 3. It ends with 1 where a fit that
was meant for a GPU did not run there, or validates worse than the one on the processor by more than a tenth.

`--on-cpu` compares what can be compared without a GPU: 32 bits, bfloat16 and two processes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import get_args

import torch

from services.training.config import TrainingConfig
from services.training.datasets import load_dataset
from services.training.devices import DeviceChoice, PrecisionChoice
from services.training.generator import generate
from services.training.parallel.ranks import open_ranks
from services.training.placement import Placement
from services.training.recall.model import FitContext
from services.training.recall.registry import RECALL_MODELS
from services.training.tuning.objective import recall_data

NO_GPU = 3
_MODULE = "tests.bench.training_on_gpu"
_MIB = 1 << 20
_MOST_LOST = 0.1


@dataclass(frozen=True)
class Compared:
    """A way to fit: its name, and where."""

    name: str
    device: DeviceChoice
    precision: PrecisionChoice
    processes: int = 1


@dataclass(frozen=True)
class Measured:
    """What a fit took and gave.

    Attributes:
        placement: Where it was.
        seconds: Of an epoch, judging on the processor too; the median, without the first.
        memory_mib: Most memory that the first process had: of the GPU, or else of the process.
        ndcg: NDCG@10 of the best epoch on validation.
        on_gpu: Whether the GPU held what a model and its optimiser need.
    """

    placement: str
    seconds: float
    memory_mib: float
    ndcg: float
    on_gpu: bool


@dataclass
class EpochClock:
    """A display that notes when epochs end."""

    ends: list[float] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str, steps: int) -> Iterator[Callable[[str], None]]:  # noqa: ARG002 - the Protocol's signature
        """Begins a stage; see `ProgressDisplay`."""
        yield lambda note: self.ends.append(time.perf_counter()) if note else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Fits and prints; returns the exit status."""
    asked = _parser().parse_args(arguments)
    if asked.fit:
        return _fit(asked)
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not (gpus or asked.on_cpu):
        sys.stderr.write(f"torch {torch.__version__} sees no GPU here: there is nothing to measure\n")
        return NO_GPU
    measured = {}
    print(f"{'':24}{'s/epoch':>9}{'MiB':>9}{'NDCG@10':>9}  where")  # noqa: T201 - it is a command
    for one in _on_cpu() if asked.on_cpu else _on_gpus(gpus):
        found = measured[one] = _measure(one, asked)
        print(  # noqa: T201 - it is a command
            f"{one.name:24}{found.seconds:9.2f}{found.memory_mib:9.0f}{found.ndcg:9.4f}  {found.placement}", flush=True
        )
    return _verdict(measured)


def _on_cpu() -> list[Compared]:
    return [
        Compared("cpu, 32 bits", "cpu", "float32"),
        Compared("cpu, bfloat16", "cpu", "bfloat16"),
        Compared("cpu, 2 processes", "cpu", "float32", processes=2),
    ]


def _on_gpus(gpus: int) -> list[Compared]:
    several = [Compared(f"{gpus} GPUs, 16 bits", "cuda", "auto", processes=gpus)] if gpus > 1 else []
    return [
        Compared("cpu, 32 bits", "cpu", "float32"),
        Compared("GPU, 32 bits", "cuda", "float32"),
        Compared("GPU, 16 bits", "cuda", "auto"),
        Compared("GPU, float16", "cuda", "float16"),
        *several,
    ]


def _verdict(measured: dict[Compared, Measured]) -> int:
    """Says what is wrong with the fits, if anything is."""
    first = next(iter(measured.values()))
    wrong = [
        f"{one.name} did not run on a GPU" for one, of in measured.items() if one.device == "cuda" and not of.on_gpu
    ]
    wrong += [
        f"{one.name} validates at {found.ndcg:.4f}, the processor at {first.ndcg:.4f}"
        for one, found in measured.items()
        if found.ndcg < first.ndcg * (1.0 - _MOST_LOST)
    ]
    sys.stderr.writelines(f"{words}\n" for words in wrong)
    return 1 if wrong else 0


def _measure(one: Compared, asked: argparse.Namespace) -> Measured:
    """Fits in processes of their own, so that each has its peak of memory to itself."""
    launcher = ("torch.distributed.run", "--standalone", "--nproc-per-node", str(one.processes), "-m")
    module = (*launcher, _MODULE) if one.processes > 1 else (_MODULE,)
    flags = [f"--model={asked.model}", f"--epochs={asked.epochs}", f"--fit={one.device}:{one.precision}"]
    flags += [f"--data={asked.data}"] if asked.data else []
    run = subprocess.run((sys.executable, "-m", *module, *flags), stdout=subprocess.PIPE, text=True, check=True)
    return Measured(**json.loads(run.stdout.splitlines()[-1]))


def _fit(asked: argparse.Namespace) -> int:
    """Fits where `--fit` says; the first process prints what came of it, as JSON."""
    device, _, precision = asked.fit.partition(":")
    config = TrainingConfig()
    data = recall_data(load_dataset(asked.data) if asked.data else generate().dataset, config)
    family, clock = RECALL_MODELS[asked.model], EpochClock()
    settings = family.config(epochs=asked.epochs)
    with open_ranks(os.environ) as ranks:
        placement = Placement.choose(device, precision, ranks)
        context = FitContext(0, config.max_history, torch.get_num_threads(), clock, placement=placement)
        model = family.fit(data, settings, context)
    memory = _peak_memory(placement)
    spans = sorted(after - before for before, after in zip(clock.ends, clock.ends[1:], strict=False))
    found = Measured(
        placement=str(placement),
        seconds=spans[len(spans) // 2] if spans else float("nan"),
        memory_mib=memory,
        ndcg=max(epoch.ndcg for epoch in model.epochs),
        on_gpu=placement.device.type == "cuda" and memory * _MIB > model.item_vectors.nbytes,
    )
    if ranks.number == 0:
        print(json.dumps(asdict(found)), flush=True)  # noqa: T201 - who started this process reads it
    return 0


def _peak_memory(placement: Placement) -> float:
    if placement.device.type == "cuda":
        return torch.cuda.max_memory_allocated(placement.device) / _MIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of a data set; the generated one by default")
    parser.add_argument("--model", choices=list(RECALL_MODELS), default="sasrec", help="a model with epochs")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--on-cpu", action="store_true", help="compare what needs no GPU")
    parser.add_argument("--fit", choices=_places(), help=argparse.SUPPRESS)
    return parser


def _places() -> list[str]:
    return [f"{device}:{precision}" for device in get_args(DeviceChoice) for precision in get_args(PrecisionChoice)]


if __name__ == "__main__":
    sys.exit(main())
