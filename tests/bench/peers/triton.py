"""Triton with its Python backend, twice: PyTriton, and the server that PyTriton carries with a model repository.

PyTriton hands each request from the backend's process to the one that bound the function; a `model.py` in a model
repository is called in the backend's process itself, which costs less.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.cli.supervisor.ports import LOOPBACK, free_ports
from tests.bench.peers.servers import TRITON_BATCH, TRITON_MODELS, Model, Server, running
from tests.bench.peers.triton_scoring import INPUTS, OUTPUT, OUTPUT_SHAPE

_FOLDER = Path(__file__).resolve().parent
_REPOSITORY_ROOT = _FOLDER.parents[2]
_MODELS = tuple(model for model, _ in TRITON_MODELS)


@contextmanager
def pytriton(python: Path, onnx: Path, threads: int, folder: Path) -> Iterator[Server]:
    """Starts PyTriton with a function bound for every configuration."""
    port, http_port = free_ports(2)
    workspace = folder / "pytriton"
    command: list[str | Path] = [
        python,
        "-m",
        "tests.bench.peers.pytriton_server",
        onnx,
        str(threads),
        str(port),
        str(http_port),
        workspace,
    ]
    with running(command, folder / "pytriton.log", {"PYTHONPATH": str(_REPOSITORY_ROOT)}) as pid:
        yield Server("PyTriton", f"{LOOPBACK}:{port}", pid, _MODELS)


@contextmanager
def triton(python: Path, onnx: Path, threads: int, folder: Path) -> Iterator[Server]:
    """Starts Triton's server with a model repository that has every configuration."""
    (port,) = free_ports(1)
    packages = Path(_asked(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    version = _asked(python, "import sys; print('%d.%d' % sys.version_info[:2])")
    carried = packages / "pytriton" / "tritonserver"
    # As PyTriton does: the backend looks for the stub of the interpreter's version beside itself.
    backends = folder / "backends"
    shutil.copytree(carried / "backends", backends)
    shutil.copy(carried / "python_backend_stubs" / version / "triton_python_backend_stub", backends / "python")
    repository = folder / "models"
    for model, instances in TRITON_MODELS:
        _write_model(repository / model.name, model, instances, onnx, threads)
    command: list[str | Path] = [
        carried / "bin" / "tritonserver",
        *(f"--model-repository={repository}", f"--backend-directory={backends}"),
        *(f"--grpc-address={LOOPBACK}", f"--grpc-port={port}", "--allow-http=false", "--allow-metrics=false"),
    ]
    environment = {
        "LD_LIBRARY_PATH": str(packages / "nvidia_pytriton.libs"),
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "PYTHONPATH": str(_REPOSITORY_ROOT),
    }
    with running(command, folder / "triton.log", environment) as pid:
        yield Server("Triton, model.py", f"{LOOPBACK}:{port}", pid, _MODELS)


def _asked(python: Path, program: str) -> str:
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def _write_model(folder: Path, model: Model, instances: int, onnx: Path, threads: int) -> None:
    (folder / "1").mkdir(parents=True)
    shutil.copy(_FOLDER / "triton_model.py", folder / "1" / "model.py")
    inputs = ", ".join(_tensor(name, type_, shape) for name, type_, shape in INPUTS)
    lines = [
        f'name: "{model.name}"',
        'backend: "python"',
        f"max_batch_size: {TRITON_BATCH if model.batch_axis else 0}",
        f"input [ {inputs} ]",
        f"output [ {_tensor(OUTPUT, 'FP32', OUTPUT_SHAPE)} ]",
        f"instance_group [ {{ kind: KIND_CPU count: {instances} }} ]",
        f'parameters {{ key: "onnx" value {{ string_value: "{onnx}" }} }}',
        f'parameters {{ key: "threads" value {{ string_value: "{threads}" }} }}',
        *(["dynamic_batching { }"] if model.batch_axis else []),
    ]
    (folder / "config.pbtxt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _tensor(name: str, type_: str, shape: tuple[int, ...]) -> str:
    return f'{{ name: "{name}" data_type: TYPE_{type_} dims: {list(shape)} }}'
