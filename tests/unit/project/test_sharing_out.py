"""How tests are shared out among processes, with a real pytest."""

import subprocess
import sys
from pathlib import Path

import tests.conftest

_CRASH = "import os, signal\n\ndef test_crash(): os.kill(os.getpid(), signal.SIGKILL)\n"
_FINE = "def test_one(): pass\n\ndef test_two(): pass\n"


def test_a_process_that_crashes_fails_its_test_and_holds_nobody_up(tmp_path: Path) -> None:
    """All other tests are run: those of the files that it had, and of those that nobody had yet."""
    for number in range(20):
        (tmp_path / f"test_{number:02}.py").write_text(_CRASH + _FINE if number == 12 else _FINE)

    command = (sys.executable, "-m", "pytest", "-n", "2", "--no-loadscope-reorder", "--max-worker-restart", "1", "-q")
    plugin = ("-p", tests.conftest.__name__, "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path))
    result = subprocess.run((*command, *plugin), check=False, capture_output=True, text=True, timeout=60)

    assert "test_12.py::test_crash" in result.stdout
    assert "1 failed, 40 passed" in result.stdout
