"""One service as a process that is started again whenever it ends."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.cli.supervisor.readiness import Readiness
from services.cli.supervisor.tether import tethered
from shared.workers.backoff import Backoff

#: Takes one line of news for the person at the terminal.
Report = Callable[[str], None]

_TAIL_LINES = 12


@dataclass(frozen=True)
class Program:
    """A service to run.

    Attributes:
        name: For people and for the log file.
        command: The program and its arguments.
        log: The file that its output is appended to.
        target: Where it answers health checks.
        readiness: The name under which it reports readiness.
        ports: The ports that it needs, by what they are for.
        host: The address that it listens on.
        environment: Variables on top of those of this process.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    target: str = ""
    readiness: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)
    host: str = "127.0.0.1"
    environment: Mapping[str, str] = field(default_factory=dict)


class ProgramFailed(Exception):
    """A service does not start; the message holds the end of its log."""


class Child:
    """Keeps one program running.

    Args:
        program: What to run.
        readiness: Tells whether it is ready.
        backoff: How long to wait before restarts.
        stop_seconds: How long it may take to end after SIGTERM before it is killed.
        report: Hears of restarts.

    Attributes:
        ready: Set while the process is ready.
        pid: Of the process that runs; None between two.
    """

    def __init__(
        self, program: Program, readiness: Readiness, backoff: Backoff, stop_seconds: float, report: Report
    ) -> None:
        self.program = program
        self.ready = asyncio.Event()
        self.pid: int | None = None
        self._readiness = readiness
        self._backoff = backoff
        self._stop_seconds = stop_seconds
        self._report = report
        self._was_ready = False
        self._log_start = 0

    async def keep_running(self) -> None:
        """Runs the program, again and again, until cancelled; then stops it.

        Raises:
            ProgramFailed: it ended before it was ready for the first time: it will not start.
        """
        loop = asyncio.get_running_loop()
        pause: float | None = None
        while True:
            started = loop.time()
            end = _describe(await self._run_once())
            if not self._was_ready:
                raise ProgramFailed(f"{self.program.name} does not start: it {end}. {self.log_tail()}")
            pause = self._backoff.after(pause, loop.time() - started)
            self._report(f"{self.program.name} {end}; starting it again in {pause:g} s")
            await asyncio.sleep(pause)

    def log_tail(self) -> str:
        """Returns the last lines that the process logged, and where the rest is."""
        try:
            text = self.program.log.read_bytes()[self._log_start :].decode(errors="replace")
        except OSError:
            text = ""
        lines = text.splitlines()[-_TAIL_LINES:]
        if not lines:
            return f"It logged nothing to {self.program.log}."
        return "\n".join([f"The end of {self.program.log}:", *(f"  {line}" for line in lines)])

    async def _run_once(self) -> int:
        process = await self._start()
        self.pid = process.pid
        watch = asyncio.create_task(self._await_readiness())
        try:
            return await process.wait()
        except asyncio.CancelledError:
            await self._stop(process)
            raise
        finally:
            watch.cancel()
            self.ready.clear()
            self.pid = None

    async def _start(self) -> asyncio.subprocess.Process:
        program = self.program
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as log:
            self._log_start = log.tell()
            return await asyncio.create_subprocess_exec(
                *tethered(program.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **program.environment},
                # Ctrl-C at the terminal reaches the supervisor alone, which stops the services in order.
                start_new_session=True,
            )

    async def _await_readiness(self) -> None:
        await self._readiness.wait()
        self._was_ready = True
        self.ready.set()

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(self._stop_seconds):
                await process.wait()
        except TimeoutError:
            self._report(f"{self.program.name} did not end within {self._stop_seconds:g} s and is killed")
            process.kill()
            await process.wait()


def _describe(code: int) -> str:
    if code >= 0:
        return f"exited with status {code}"
    return f"was ended by {signal.Signals(-code).name}"
