"""A service in a process of its own, as an operator starts it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest


class ServiceProcess:
    """A running service whose log can be waited for.

    Args:
        process: The process, with its standard output piped.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def wait_for(self, event: str) -> dict[str, Any]:
        """Returns the first log line from here on that tells of an event."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            entry: dict[str, Any] = json.loads(line)
            if entry["event"] == event:
                return entry
        return pytest.fail(f"the process ended without {event!r} in its log")

    def wait_for_exit(self) -> int:
        """Returns the exit code of a process that ends by itself."""
        self._process.communicate(timeout=30)
        return self._process.returncode

    def kill(self) -> None:
        """Sends SIGKILL: the process ends where it is, and finishes nothing."""
        self._process.kill()

    def terminate(self) -> int:
        """Sends SIGTERM and returns the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait_for_exit()


@contextmanager
def started(module: str, *flags: str) -> Iterator[ServiceProcess]:
    """Starts `python -m <module>` on free ports of this machine; it is gone in the end, whatever happens."""
    command = [sys.executable, "-m", module, "--host", "127.0.0.1", "--port", "0", "--metrics-port", "0", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield ServiceProcess(process)
    finally:
        process.kill()
        process.communicate()


def help_of(module: str) -> str:
    """Returns what `--help` prints, on one line: the terminal's width wraps it anywhere."""
    result = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True)
    return " ".join(result.stdout.split())


def assert_help_lists(module: str, prefix: str, settings: Sequence[str]) -> None:
    """Asserts that `--help` names the flag and the environment variable of every setting."""
    text = help_of(module).replace("- ", "-").replace("_ ", "_")
    for name in settings:
        assert f"--{name.replace('_', '-')}" in text, name
        assert f"[env: {prefix}{name.upper()}]" in text, name
