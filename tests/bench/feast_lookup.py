"""Feast's online store, asked for the same rows, in an environment of its own that is made on first use."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEAST_VERSION = "0.67.0"

_PROGRAM = Path(__file__).with_name("feast_program.py")


class FeastMissing(Exception):
    """Feast cannot be measured here; says why."""


def feast_python(folder: Path) -> Path:
    """Returns the interpreter of an environment with Feast, which is made below `folder` when it is not there.

    Raises:
        FeastMissing: it cannot be made, as where no package index can be reached.
    """
    environment = folder / f"feast-{FEAST_VERSION}"
    python, made = environment / "bin" / "python", environment / "made"
    if not made.exists():
        print(f"Installing Feast {FEAST_VERSION} in {environment} (some minutes, once)", file=sys.stderr)  # noqa: T201
        shutil.rmtree(environment, ignore_errors=True)
        environment.parent.mkdir(parents=True, exist_ok=True)
        _run([sys.executable, "-m", "venv", str(environment)])
        _run([str(python), "-m", "pip", "install", "--quiet", f"feast[redis]=={FEAST_VERSION}"])
        made.touch()
    return python


def measure_feast(
    python: Path,
    online_store: str,
    matrix: Path,
    rows: NDArray[np.uint32],
    *,
    entities: int,
    in_flight: list[int],
    seconds: float,
) -> dict[str, Any]:
    """Writes entities to an online store of Feast and asks it, in its own process and over HTTP.

    Args:
        python: From `feast_python`.
        online_store: `sqlite` or `redis`.
        matrix: The .npy file with the features of each row.
        rows: uint32 [look-ups, rows].
        entities: How many of the matrix's rows to write; rows beyond are asked for modulo this.
        in_flight: How many look-ups are under way at once.
        seconds: For each measurement.

    Raises:
        FeastMissing: it does not run, or redis-server, where it is needed, is not installed.
    """
    with tempfile.TemporaryDirectory() as name, _online_store(online_store, Path(name)) as config:
        folder = Path(name)
        np.save(folder / "rows.npy", rows)
        given = {
            "folder": name,
            "online_store": config,
            "matrix": str(matrix),
            "rows": str(folder / "rows.npy"),
            "entities": entities,
            "in_flight": in_flight,
            "seconds": seconds,
            "port": _free_port(),
        }
        (folder / "arguments.json").write_text(json.dumps(given), encoding="utf-8")
        output = _run([str(python), str(_PROGRAM), str(folder / "arguments.json")])
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


@contextmanager
def _online_store(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """Gives Feast's configuration of an online store, whose server, where it has one, runs until the block ends."""
    if kind == "sqlite":
        yield {"type": "sqlite", "path": str(folder / "online.db")}
        return
    server = shutil.which("redis-server")
    if server is None:
        raise FeastMissing("redis-server is not installed (Debian: apt install redis-server)")
    port = _free_port()
    flags = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen([server, *flags], stdout=subprocess.DEVNULL)
    try:
        yield {"type": "redis", "connection_string": f"localhost:{port}"}
    finally:
        process.terminate()
        process.wait(30)


def _run(command: list[str]) -> str:
    # Nothing of ours is to be found from there, and nobody is to be told that it runs.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"FEAST_USAGE": "False"}
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=variables)
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        raise FeastMissing(f"`{Path(command[0]).name} {' '.join(command[1:3])}` failed: {' / '.join(lines[-3:])}")
    return result.stdout


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
