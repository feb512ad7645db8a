"""What is compared: a server process, where it answers, and the configurations of the model that it offers."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_GRACE_SECONDS = 15


@dataclass(frozen=True)
class Model:
    """One configuration of the ranker in a server.

    Attributes:
        name: What the server calls it.
        batch_axis: Whether its inputs have a batch axis in front, which the server's own batching needs.
        described: The configuration, for people.
    """

    name: str
    batch_axis: bool
    described: str


@dataclass(frozen=True)
class Server:
    """A server that speaks the Open Inference Protocol over gRPC.

    Attributes:
        name: For the table.
        target: Its address.
        pid: The process at the root of its processes; 0 where it is not ours.
        models: The configurations, of which each comparison takes the fastest.
    """

    name: str
    target: str
    pid: int
    models: tuple[Model, ...]


#: The ways to configure Triton for this model: batching off, as the graph's inputs are, and Triton's dynamic batching,
#: for which they need a batch axis; each with one instance and with two, for two processors.
TRITON_MODELS = tuple(
    (Model(f"{kind}_{instances}", kind == "batched", f"{kind}, {instances} instance{'s'[: instances - 1]}"), instances)
    for kind in ("alone", "batched")
    for instances in (1, 2)
)

#: The most requests that Triton may put together.
TRITON_BATCH = 16


@contextmanager
def running(command: Sequence[str | Path], log: Path, environment: Mapping[str, str]) -> Iterator[int]:
    """Runs a server, its output in a file; in the end it is gone, and whatever it has started is too.

    Yields:
        The id of the process.
    """
    # One thread for whatever else computes: the threads of ONNX Runtime are set where its session is opened.
    inherited = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=inherited,
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _kill_group(process)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Ends the process and those it has left behind: a session of its own makes them one group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
