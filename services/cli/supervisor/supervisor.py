"""Several services as one: all start, all are ready, all stop."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from services.cli.supervisor.child import Child, Program, ProgramFailed, Report
from services.cli.supervisor.ports import check_free
from services.cli.supervisor.readiness import HealthReadiness, Readiness
from shared.workers.backoff import Backoff

#: Loading the machine-learning libraries and a large snapshot on a busy machine takes a while.
START_SECONDS = 120.0

# More than the 20 s in which a service drains.
_STOP_SECONDS = 25.0


def _by_health_service(program: Program) -> Readiness:
    return HealthReadiness(program.target, program.readiness)


def _say_nothing(_line: str) -> None:
    pass


class Supervisor:
    """Runs programs while its context is open, and restarts each that ends.

        async with Supervisor(programs) as supervisor:  # all are ready here
            await asyncio.Event().wait()

    They stop in reverse order, one after the other, so that the last, the gateway, can end its calls in flight while
    the services behind it still answer.

    Args:
        programs: What to run, each after those that it needs.
        start_seconds: How long all may take to be ready.
        stop_seconds: How long each may take to end before it is killed.
        backoff: How long to wait before restarts.
        readiness_of: How to tell whether a program is ready.
        report: Hears of restarts, one line each.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        start_seconds: float = START_SECONDS,
        stop_seconds: float = _STOP_SECONDS,
        backoff: Backoff | None = None,
        readiness_of: Callable[[Program], Readiness] = _by_health_service,
        report: Report = _say_nothing,
    ) -> None:
        self._programs = tuple(programs)
        self._start_seconds = start_seconds
        self._stop_seconds = stop_seconds
        self._backoff = backoff or Backoff()
        self._readiness_of = readiness_of
        self._report = report
        self._readiness: list[Readiness] = []
        self._children: dict[str, Child] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Starts all programs and returns once every one is ready.

        Raises:
            PortTaken: a port that one needs is in use; nothing was started.
            ProgramFailed: one ended, or was not ready in time; all were stopped.
        """
        for program in self._programs:
            for purpose, port in program.ports.items():
                check_free(port, program.host, f"{program.name} ({purpose})")
        for program in self._programs:
            readiness = self._readiness_of(program)
            self._readiness.append(readiness)
            child = Child(program, readiness, self._backoff, self._stop_seconds, self._report)
            self._children[program.name] = child
            self._tasks.append(asyncio.create_task(child.keep_running(), name=program.name))
        try:
            await self.until_ready()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    def pid(self, name: str) -> int | None:
        """Returns the process id of a program, or None while it is between two lives."""
        return self._children[name].pid

    async def until_ready(self) -> None:
        """Returns once every program is ready, also after a restart.

        Raises:
            ProgramFailed: one ended before it was ever ready, or one was not ready in time.
        """
        all_ready = asyncio.create_task(self._all_ready())
        try:
            await asyncio.wait(
                [all_ready, *self._tasks], timeout=self._start_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            for task in self._tasks:
                if task.done():
                    task.result()  # raises: a program that runs never ends
            if not all_ready.done():
                raise ProgramFailed(self._who_is_late())
        finally:
            all_ready.cancel()

    async def _all_ready(self) -> None:
        for child in self._children.values():
            await child.ready.wait()

    def _who_is_late(self) -> str:
        late = [child for child in self._children.values() if not child.ready.is_set()]
        names = ", ".join(child.program.name for child in late)
        return f"Not ready within {self._start_seconds:g} s: {names}. " + "\n".join(child.log_tail() for child in late)

    async def _stop(self) -> None:
        for task in reversed(self._tasks):
            task.cancel()
            await asyncio.wait([task])
        for readiness in self._readiness:
            await readiness.close()
