"""Winnow's ranking service, serving the Open Inference Protocol from a snapshot of its own."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.cli.supervisor.ports import LOOPBACK, free_ports
from tests.bench.peers.servers import Model, Server, running

MODELS = (Model("ranker", batch_axis=False, described="as shipped"),)


@contextmanager
def winnow(snapshots: Path, threads: int, flags: str, folder: Path) -> Iterator[Server]:
    """Starts ranking on the CPU, as an operator would; `flags` are more of its flags."""
    (port,) = free_ports(1)
    command: list[str | Path] = [
        *(sys.executable, "-m", "services.ranking", "--host", LOOPBACK, "--port", str(port), "--metrics-port", "0"),
        *("--snapshot-dir", snapshots, "--device", "cpu", "--threads", str(threads), "--log-level", "warning"),
        *shlex.split(flags),
    ]
    with running(command, folder / "winnow.log", {}) as pid:
        yield Server("Winnow", f"{LOOPBACK}:{port}", pid, MODELS)
