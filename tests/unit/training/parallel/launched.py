"""Processes as torch's launcher starts them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def torchrun(*program: str, processes: int = 2, timeout: float = 240.0) -> subprocess.CompletedProcess[str]:
    """Runs a module and its flags in several processes, and waits for them."""
    return subprocess.run(
        launcher(*program, processes=processes), capture_output=True, text=True, check=False, timeout=timeout
    )


def launcher(*program: str, processes: int = 2) -> list[str]:
    """Returns the command that starts a module, with its flags, in several processes."""
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes))
    return [*torchrun, "-m", *program]


def without_launcher(*program: str, processes: int = 2) -> list[subprocess.Popen[str]]:
    """Starts what `launcher` would, but with nobody who watches: what becomes of one is the others' own affair."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return [
        subprocess.Popen(
            (sys.executable, "-m", *program),
            env={
                **os.environ,
                "RANK": str(number),
                "WORLD_SIZE": str(processes),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]


def process_of(launcher: int, number: int) -> int | None:
    """Returns the id of the process with that number that a launcher has started; None before it has."""
    for child in _children(launcher):
        if f"RANK={number}" in _environment(child):
            return child
    return None


def _children(parent: int) -> Sequence[int]:
    try:
        return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return []


def _environment(process: int) -> Sequence[str]:
    try:
        return Path(f"/proc/{process}/environ").read_bytes().decode().split("\0")
    except OSError:
        return []
