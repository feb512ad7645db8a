"""The suite in the foreground of a terminal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.cli.failure import Failure
from services.cli.output import remarks
from services.cli.supervisor import PortTaken, ProgramFailed, SuitePorts, Supervisor, suite_programs
from shared.snapshot.repository import SnapshotRepository


@asynccontextmanager
async def running_suite(root: Path, ports: SuitePorts, host: str, snapshots: Path | None = None) -> AsyncIterator[None]:
    """Runs the four services while the context is open, and tells of restarts on stderr.

    Raises:
        Failure: nothing is published that could be served, a port is taken, or a service does not start.
    """
    published = snapshots or root / "snapshots"
    if SnapshotRepository(published).current() is None:
        raise Failure(
            f"There is no snapshot to serve in {published}. Train one with `winnow train --data FOLDER --out "
            f"{published}`, or let `winnow run` do everything."
        )
    screen = remarks()
    programs = suite_programs(root, ports, snapshots=snapshots, host=host)
    try:
        async with Supervisor(programs, report=lambda line: screen.print(line, markup=False)):
            yield
    except (PortTaken, ProgramFailed) as error:
        raise Failure(str(error)) from error


async def serve_suite(root: Path, ports: SuitePorts, host: str) -> None:
    """Serves until cancelled.

    Raises:
        Failure: see `running_suite`.
    """
    screen = remarks()
    screen.print("Starting the services…")
    async with running_suite(root, ports, host):
        screen.print(
            f"Ready: the gateway listens on {host}:{ports.rpc['gateway']}. Logs are in {root / 'logs'}. Ctrl-C stops."
        )
        try:
            await asyncio.Event().wait()
        finally:
            screen.print("Stopping…")
