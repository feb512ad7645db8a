"""Tiny programs for the supervisor to run, and how to tell what became of them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.cli.supervisor import Program, Supervisor
from shared.workers.backoff import Backoff

DEADLINE_SECONDS = 20.0

_SERVES = """
import pathlib, signal, sys
name, ready, ends = sys.argv[1:]
def end(*_):
    with open(ends, "a") as file:
        file.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print(name, "is up", flush=True)
pathlib.Path(ready).touch()
while True:
    signal.pause()
"""
_EXITS = "import sys; print('cannot find my heart', flush=True); sys.exit(3)"
_NEVER_READY = "import signal; print('still loading', flush=True); signal.pause()"
_STUBBORN = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[2]).touch()
while True:
    signal.pause()
"""


@dataclass
class FileReadiness:
    """Ready when the program has made a file; the file is then removed, so that a restart must make it again."""

    path: Path

    async def wait(self) -> None:
        """Returns once the file is there."""
        await eventually(self.path.exists)
        self.path.unlink()

    async def close(self) -> None:
        """Nothing is held."""


@dataclass
class Stage:
    """A folder in which programs run and leave their traces."""

    folder: Path

    def program(self, name: str, source: str) -> Program:
        """A program that runs `source`."""
        arguments = (name, str(self.folder / f"{name}.ready"), str(self.folder / "ends"))
        return Program(name, (sys.executable, "-S", "-c", source, *arguments), self.folder / f"{name}.log")

    def serves(self, name: str) -> Program:
        """Becomes ready, and ends on SIGTERM."""
        return self.program(name, _SERVES)

    def exits(self, name: str) -> Program:
        """Complains and exits with status 3."""
        return self.program(name, _EXITS)

    def never_ready(self, name: str) -> Program:
        """Runs, but is never ready."""
        return self.program(name, _NEVER_READY)

    def stubborn(self, name: str) -> Program:
        """Becomes ready, and ignores SIGTERM."""
        return self.program(name, _STUBBORN)

    def supervisor(
        self,
        *programs: Program,
        start_seconds: float = DEADLINE_SECONDS,
        stop_seconds: float = DEADLINE_SECONDS,
        report: Callable[[str], None] = print,
    ) -> Supervisor:
        """A supervisor that restarts without a pause worth waiting for."""
        return Supervisor(
            programs,
            start_seconds=start_seconds,
            stop_seconds=stop_seconds,
            backoff=Backoff(first=0.01, longest=0.02),
            readiness_of=lambda program: FileReadiness(self.folder / f"{program.name}.ready"),
            report=report,
        )

    def ends(self) -> list[str]:
        """The names of the programs that ended on SIGTERM, in the order in which they did."""
        path = self.folder / "ends"
        return path.read_text().split() if path.exists() else []


async def eventually(condition: Callable[[], bool]) -> None:
    """Waits for what another process does."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - what is waited for is another process
            await asyncio.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Whether a process exists and has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
