"""Winnow's ranking service, serving the Open Inference Protocol from a snapshot of its own."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.cli.supervisor.ports import LOOPBACK, free_ports
from tests.bench.peers.servers import Model, Server, running

#: Its name in the table.
WINNOW = "Winnow"


@contextmanager
def winnow(snapshots: Path, flags: str, folder: Path) -> Iterator[Server]:
    """Starts ranking on the CPU, as an operator would, with `flags` as well."""
    (port,) = free_ports(1)
    command: list[str | Path] = [
        *(sys.executable, "-m", "services.ranking", "--host", LOOPBACK, "--port", str(port), "--metrics-port", "0"),
        *("--snapshot-dir", snapshots, "--device", "cpu", "--log-level", "warning"),
        *shlex.split(flags),
    ]
    with running(command, folder / "winnow.log", {}) as pid:
        yield Server(WINNOW, f"{LOOPBACK}:{port}", pid, (Model("ranker", False, flags),))
