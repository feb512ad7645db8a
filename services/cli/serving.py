"""The suite in the foreground of a terminal."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path

from services.cli.failure import Failure
from services.cli.output import remarks
from services.cli.supervisor import (
    LOOPBACK,
    PortTaken,
    ProgramFailed,
    SleepNotPrevented,
    SuitePorts,
    Supervisor,
    awake,
    suite_programs,
)
from services.cli.until_whole import until_whole
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.repository import SnapshotRepository
from winnow.client import AsyncWinnowClient


@asynccontextmanager
async def running_suite(
    root: Path,
    ports: SuitePorts,
    host: str = LOOPBACK,
    snapshots: Path | None = None,
    *,
    workers: int | None = None,
    pin: bool = False,
) -> AsyncIterator[None]:
    """Runs the four services while the context is open, and tells of restarts on stderr.

    Its answers are whole from the first. Where they do not get so, stderr says why not.

    Each data set has a feature store of its own below `root`: users of two may have the same id.

    Args:
        root: Where the feature stores and the logs are kept.
        ports: Where the services listen.
        host: The address that they listen on.
        snapshots: The folder that training publishes to; `snapshots` below `root` when None.
        workers: Processes of each service that can be several; what the environment says when None.
        pin: Whether to keep each service to CPUs of its own.

    Raises:
        Failure: nothing is published that could be served, a port is taken, or a service does not start.
    """
    published = snapshots or root / "snapshots"
    repository = SnapshotRepository(published)
    current = repository.current()
    if current is None:
        raise Failure(
            f"There is no snapshot to serve in {published}. Train one with `winnow train --data FOLDER --out "
            f"{published}`, or let `winnow run` do everything."
        )
    screen = remarks()
    try:
        store = root / "feature_store" / _folder_name(repository.manifest(current).dataset)
        programs = suite_programs(root, ports, snapshots=published, store=store, host=host, workers=workers, pin=pin)
        async with Supervisor(programs, report=lambda line: screen.print(line, markup=False)):
            async with AsyncWinnowClient(ports.target("gateway")) as client:
                problems = await until_whole(client)
            for problem in problems:
                remark = f"Answers are not whole: {problem} The logs in {root / 'logs'} may say more."
                screen.print(remark, markup=False, soft_wrap=True)
            yield
    except (PortTaken, ProgramFailed) as error:
        raise Failure(str(error)) from error
    except SnapshotRefused as error:
        raise Failure(f"{error}. Choose another with `winnow snapshot activate ID`.") from error


async def serve_suite(
    root: Path,
    ports: SuitePorts,
    host: str,
    *,
    workers: int | None = None,
    pin: bool = False,
    stay_awake: bool = False,
) -> None:
    """Serves as `running_suite` does, until cancelled; if it is to `stay_awake`, the machine's idle CPUs do meanwhile.

    Raises:
        Failure: see `running_suite`; or CPUs cannot be kept awake.
    """
    screen = remarks()
    screen.print("Starting the services…")
    with _awake() if stay_awake else nullcontext():
        async with running_suite(root, ports, host, workers=workers, pin=pin):
            screen.print(
                f"Ready: the gateway listens on {host}:{ports.rpc['gateway']}. Logs are in {root / 'logs'}. "
                "Ctrl-C stops.",
                soft_wrap=True,
            )
            try:
                await asyncio.Event().wait()
            finally:
                screen.print("Stopping…")


@contextmanager
def _awake() -> Iterator[None]:
    """Keeps idle CPUs awake, or fails as a command does."""
    try:
        with awake():
            yield
    except SleepNotPrevented as error:
        raise Failure(str(error)) from error


def _folder_name(dataset: str) -> str:
    """Returns the name of a data set as a folder can have it."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", dataset).lstrip(".") or "data"
