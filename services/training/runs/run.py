"""The folder of a run."""

from __future__ import annotations

import fcntl
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import structlog

from services.training.optimisation import Epoch

logger = structlog.get_logger()

_SUFFIX = ".checkpoint"
_LOCK_FILE = "lock"
_DIGITS_OF_A_NAME = 12


class RunInUse(OSError):
    """Another process trains in this folder."""


def log(words: str) -> None:
    """Tells of a run in the log."""
    logger.info(words)


def ignore(stage: str, number: int, epoch: Epoch) -> None:
    """Does nothing after an epoch."""


@dataclass(frozen=True, slots=True)
class Run:
    """Where a job keeps what it can resume from, and what its epochs gave.

    Attributes:
        folder: Exists. Checkpoints are in it while the job runs, TensorBoard's event files for good.
        digest: Of the data, and of whatever else decides what is learned but is in no stage's settings.
        say: Tells people that a fit is resumed, or begins anew.
        watch: Called after each epoch with the stage, the epoch's number from 0 and what it gave; what it raises ends
            the fit.
    """

    folder: Path
    digest: str
    say: Callable[[str], None] = log
    watch: Callable[[str, int, Epoch], None] = ignore
    _begun: Counter[str] = field(default_factory=Counter)

    def begin(self, stage: str) -> str:
        """Returns what to call a fit that begins: its stage, with a number where one of that name has begun before.

        Two channels may have the same model, and neither may resume from the other's checkpoint.
        """
        self._begun[stage] += 1
        return stage if self._begun[stage] == 1 else f"{stage} ({self._begun[stage]})"

    def checkpoint(self, stage: str, fingerprint: str) -> Path:
        """Returns where the checkpoint of a stage with these settings is or will be."""
        return self.folder / f"{slug(stage)}-{fingerprint[:_DIGITS_OF_A_NAME]}{_SUFFIX}"

    def others(self, stage: str, fingerprint: str) -> list[Path]:
        """Returns the checkpoints of the same stage with other settings or data."""
        own = self.checkpoint(stage, fingerprint)
        return [path for path in self.folder.glob(f"{slug(stage)}-{'?' * _DIGITS_OF_A_NAME}{_SUFFIX}") if path != own]

    def board(self, stage: str) -> Path:
        """Returns the folder of a stage's event files; it need not exist."""
        return self.folder / "tensorboard" / slug(stage)

    def forget_checkpoints(self) -> None:
        """Removes the checkpoints, and what was half written."""
        self.forget_half_written()
        for path in self.folder.glob(f"*{_SUFFIX}"):
            path.unlink(missing_ok=True)

    def forget_half_written(self) -> None:
        """Removes what processes were writing when they were killed: each may be as large as a checkpoint."""
        for path in self.folder.glob(f".*{_SUFFIX}-*"):
            path.unlink(missing_ok=True)


@contextmanager
def open_run(folder: Path, digest: str, *, fresh: bool = False, say: Callable[[str], None] = log) -> Iterator[Run]:
    """Gives a run whose folder is this process's own until the context ends, however the process ends.

    Args:
        folder: Made where it is missing.
        digest: See `Run`.
        fresh: Whether to remove the checkpoints first.
        say: See `Run`.

    Raises:
        RunInUse: another process has it.
        OSError: the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK_FILE).open("wb") as lock:
        _take(lock, folder)
        run = Run(folder, digest, say)
        run.forget_half_written()
        if fresh:
            run.forget_checkpoints()
        yield run


def slug(name: str) -> str:
    """Returns a stage's name as a file can have it: `fit Mult-VAE` becomes `fit-mult-vae`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed"


def _take(lock: IO[bytes], folder: Path) -> None:
    try:
        # The kernel lets go of it when the process is killed: a lock that must be removed by hand would be in the way.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunInUse(f"another process trains in {folder}; wait for it, or name another folder with --run") from error
