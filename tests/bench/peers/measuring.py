"""Measurements of servers, each taken by a client in a process of its own."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.bench.peers.servers import Model, Server

_ROOT = Path(__file__).resolve().parents[3]


class MeasurementFailed(Exception):
    """A server could not be asked, or the client failed; the message says why."""


@dataclass
class Measurement:
    """What a client has seen of one server, over one run or several.

    Attributes:
        latencies: Seconds of each answer.
        seconds: How long was measured.
        errors: By status.
        client_seconds: Processor time of the client.
        server_seconds: Processor time of the server's processes, by name.
        busy_seconds: Processor time of everything on the machine.
    """

    latencies: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    seconds: float = 0.0
    errors: dict[str, int] = field(default_factory=dict)
    client_seconds: float = 0.0
    server_seconds: dict[str, float] = field(default_factory=dict)
    busy_seconds: float = 0.0

    def __add__(self, other: "Measurement") -> "Measurement":
        """Returns both as one: latencies together, so that percentiles are never averaged."""
        return Measurement(
            np.concatenate([self.latencies, other.latencies]),
            self.seconds + other.seconds,
            _added(self.errors, other.errors),
            self.client_seconds + other.client_seconds,
            _added(self.server_seconds, other.server_seconds),
            self.busy_seconds + other.busy_seconds,
        )

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    @property
    def others_busy(self) -> float:
        """How many processors were busy with something else: what makes a measurement doubtful."""
        ours = self.client_seconds + sum(self.server_seconds.values())
        return max(self.busy_seconds - ours, 0.0) / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """Returns it as it is reported; times in milliseconds, processor time for each answer. It must have answers."""
        answers = len(self.latencies)
        p50, p99 = np.percentile(self.latencies, [50, 99])
        return {
            "answers": answers,
            "answers_per_second": round(self.per_second, 1),
            "latency_ms": {"p50": round(1000 * float(p50), 3), "p99": round(1000 * float(p99), 3)},
            "errors": self.errors,
            "server_cpu_ms": round(1000 * sum(self.server_seconds.values()) / answers, 3),
            "server_cpu_ms_by_process": {
                name: round(1000 * seconds / answers, 3)
                for name, seconds in sorted(self.server_seconds.items(), key=lambda one: -one[1])
                if 1000 * seconds / answers >= 0.001
            },
            "client_cpu_ms": round(1000 * self.client_seconds / answers, 3),
            "processors_busy_otherwise": round(self.others_busy, 2),
        }


class Client:
    """Runs the client program.

    Args:
        python: Interpreter of the client's environment.
        requests: The inputs of all requests, as .npz.
        folder: For its results.
    """

    def __init__(self, python: Path, requests: Path, folder: Path) -> None:
        self._python = python
        self._requests = requests
        self._out = folder / "client.npz"

    def scores(self, server: Server, model: Model) -> NDArray[np.float32]:
        """Waits for a model and returns its scores of every request, float32 [requests, N].

        Raises:
            MeasurementFailed: the model does not become ready, or does not answer.
        """
        with np.load(self._run(server, model, "--check")) as stored:
            scores: NDArray[np.float32] = stored["scores"]
            return scores

    def load(self, server: Server, model: Model, in_flight: int, warm_up: float, seconds: float) -> Measurement:
        """Measures a closed loop.

        Raises:
            MeasurementFailed: the client failed, or nothing was answered.
        """
        flags = ["--in-flight", str(in_flight), "--warm-up", str(warm_up), "--seconds", str(seconds)]
        with np.load(self._run(server, model, *flags)) as stored:
            described = json.loads(str(stored["described"]))
            if not len(stored["latencies"]):
                raise MeasurementFailed(f"{server.name}, {model.described}: no answers, errors {described['errors']}")
            by_name: dict[str, float] = {}
            for process, used in described["server_seconds"].items():
                by_name = _added(by_name, {process.rsplit(":", 1)[0]: used})
            return Measurement(
                stored["latencies"],
                described["seconds"],
                described["errors"],
                described["client_seconds"],
                by_name,
                described["busy_seconds"],
            )

    def _run(self, server: Server, model: Model, *flags: str) -> Path:
        described = {"target": server.target, "model": model.name, "batch_axis": model.batch_axis, "pid": server.pid}
        files = [str(self._requests), json.dumps(described), str(self._out)]
        command = [str(self._python), "-m", "tests.bench.peers.client", *files]
        result = subprocess.run([*command, *flags], cwd=_ROOT, env={}, capture_output=True, text=True, check=False)
        if result.returncode:
            said = result.stderr.strip().splitlines()
            raise MeasurementFailed(f"{server.name}, {model.described}: {said[-1] if said else result.returncode}")
        return self._out


def _added(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in (one | other)}
