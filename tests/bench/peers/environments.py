"""Environments for programs that cannot live in ours: made on first use, with pinned versions, and kept."""

import hashlib
import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_FOLDER = Path(__file__).parent
_STAMP = "made-from"

#: Debian's own interpreter, 3.11.2: under 3.11.7 Triton's stub for Python 3.11 fails (`_recursion_count`).
DEBIAN_PYTHON = Path("/usr/bin/python3.11")


class EnvironmentMissing(Exception):
    """An environment could not be made; the message says what is missing."""


def client_python(root: Path) -> Path:
    """Returns the interpreter of the environment that has `tritonclient`.

    Raises:
        EnvironmentMissing: it cannot be made.
    """
    return _environment(root / "client", Path(sys.executable), _requirements("client-requirements.txt"))


def triton_python(root: Path, interpreter: Path) -> Path:
    """Returns the interpreter of the environment that has `nvidia-pytriton`, and ONNX Runtime of our own version.

    Raises:
        EnvironmentMissing: it cannot be made.
    """
    if not interpreter.exists():
        raise EnvironmentMissing(
            f"there is no {interpreter}: Triton's Python backend wants a distribution's Python 3.11 "
            "(Debian 12: apt-get install python3-venv), or another that --triton-python names"
        )
    onnxruntime = f"onnxruntime=={importlib.metadata.version('onnxruntime-gpu')}"
    return _environment(root / "triton", interpreter, [*_requirements("triton-requirements.txt"), onnxruntime])


def _requirements(name: str) -> list[str]:
    lines = (_FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _environment(folder: Path, interpreter: Path, requirements: Sequence[str]) -> Path:
    python = folder / "bin" / "python"
    stamp = hashlib.sha256("\n".join([str(interpreter), *requirements]).encode()).hexdigest()
    if python.exists() and (folder / _STAMP).exists() and (folder / _STAMP).read_text() == stamp:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _make(folder, interpreter)
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
    (folder / _STAMP).write_text(stamp)
    return python


def _make(folder: Path, interpreter: Path) -> None:
    try:
        _run([str(interpreter), "-m", "venv", str(folder)])
    except EnvironmentMissing:  # Debian's Python without its package python3-venv
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "virtualenv", "--quiet", "--python", str(interpreter), str(folder)])


def _run(command: Sequence[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        said = "\n".join((result.stdout + result.stderr).splitlines()[-5:])
        raise EnvironmentMissing(f"`{' '.join(command[:4])} ...` failed:\n{said}")
