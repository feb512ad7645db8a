"""The processes of a job, as torch's launcher starts them: `torchrun --nproc-per-node 2 -m services.training`."""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

import torch
from torch import Tensor, distributed

T = TypeVar("T")

# A process that dies closes its connections, which ends the others at once. Time alone says nothing: the first process
# reads, judges and evaluates while the others wait for it.
_LONGEST_WAIT = datetime.timedelta(hours=12)


class PeerLost(RuntimeError):
    """Another process of the job has ended, or cannot be reached."""


class Ranks(Protocol):
    """The processes of a job, seen from one of them.

    All of them call `add_up` and `from_first` equally often and in the same order; each call waits for the others.
    """

    @property
    def number(self) -> int:
        """Of this process, from 0. The first one alone writes files and speaks."""

    @property
    def size(self) -> int:
        """How many processes there are."""

    @property
    def local_number(self) -> int:
        """Of this process among those of its machine, from 0."""

    @property
    def local_size(self) -> int:
        """How many processes there are on this machine."""

    def add_up(self, tensor: Tensor) -> None:
        """Replaces a tensor by the sum of all processes' tensors of this shape, the same bit for bit in each.

        Raises:
            PeerLost: another process has ended.
        """

    def from_first(self, make: Callable[[], T]) -> T:
        """Returns what `make` gives in the first process; it is called nowhere else.

        Args:
            make: Gives what can be pickled.

        Raises:
            PeerLost: another process has ended.
        """


@dataclass(frozen=True, slots=True)
class Alone:
    """The one process of a job."""

    number: int = 0
    size: int = 1
    local_number: int = 0
    local_size: int = 1

    def add_up(self, tensor: Tensor) -> None:
        """Does nothing; see `Ranks`."""

    def from_first(self, make: Callable[[], T]) -> T:
        """Returns what `make` gives; see `Ranks`."""
        return make()


ALONE = Alone()


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """Processes connected by torch: NCCL between GPUs, gloo between processors."""

    number: int
    size: int
    local_number: int
    local_size: int

    def add_up(self, tensor: Tensor) -> None:
        """Sums; see `Ranks`."""
        with _peers_needed():
            distributed.all_reduce(tensor)

    def from_first(self, make: Callable[[], T]) -> T:
        """Sends pickles from the first process; see `Ranks`."""
        made = [make() if self.number == 0 else None]
        with _peers_needed():
            distributed.broadcast_object_list(made, src=0)
        return cast("T", made[0])


@contextmanager
def open_ranks(environment: Mapping[str, str]) -> Iterator[Ranks]:
    """Connects the processes of a job until the context ends, in which they wait for each other.

    Args:
        environment: Of the process: RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as
            torchrun sets them. Without WORLD_SIZE, or with a size of 1, there is one process.

    Raises:
        PeerLost: the others cannot be reached.
    """
    size = int(environment.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    # The first optimiser imports it. Imported while processes are connected, it keeps the connection beyond its end, whose
    # threads now and then abort the interpreter's exit; torchrun then takes a job that was done for one that failed.
    importlib.import_module("torch._dynamo")
    number = int(environment["RANK"])
    # What processes tell each other about lies in memory, whatever they compute on.
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    with _peers_needed():
        distributed.init_process_group(backend, rank=number, world_size=size, timeout=_LONGEST_WAIT)
    ranks = ProcessGroup(
        number, size, int(environment.get("LOCAL_RANK", number)), int(environment.get("LOCAL_WORLD_SIZE", size))
    )
    yield ranks
    # Whoever leaves before the first one is done would look like one that died.
    ranks.from_first(lambda: None)
    distributed.destroy_process_group()


@contextmanager
def _peers_needed() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise PeerLost(
            "another process of this job has ended or cannot be reached, and none can go on without it; "
            "the same command goes on from the last complete epoch"
        ) from error
