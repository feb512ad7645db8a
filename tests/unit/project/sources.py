"""What belongs to the repository."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def tracked_files() -> list[Path]:
    """Returns the files under version control that are still there, generated stubs included."""
    if not (ROOT / ".git").exists():
        pytest.skip("only a checkout knows which files belong to it")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def is_generated(path: Path) -> bool:
    """Whether a tool wrote the file."""
    return path.name.endswith(("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi"))
