"""Idle CPUs that stay awake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.supervisor.wakefulness import SleepNotPrevented, awake


def _is_open(file: Path) -> bool:
    """Whether this process has the file open."""
    return any(os.path.realpath(descriptor) == str(file) for descriptor in Path("/proc/self/fd").iterdir())


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """A file in the place of the kernel's."""
    device = tmp_path / "cpu_dma_latency"
    device.touch()
    return device


def test_the_kernel_is_asked_for_no_delay_at_all_for_as_long_as_it_lasts(device: Path) -> None:
    """It forgets the request when the file is closed."""
    with awake(device):
        assert device.read_bytes() == (0).to_bytes(4, sys.byteorder)
        assert _is_open(device)
    assert not _is_open(device)


def test_it_ends_where_what_it_was_for_fails(device: Path) -> None:
    """Else CPUs would stay awake for nobody."""
    with pytest.raises(ZeroDivisionError), awake(device):
        raise ZeroDivisionError
    assert not _is_open(device)


def test_processes_started_meanwhile_do_not_keep_it(device: Path) -> None:
    """A service that outlives its supervisor would keep CPUs awake."""
    program = "import os; print([os.path.realpath(f'/proc/self/fd/{name}') for name in os.listdir('/proc/self/fd')])"
    with awake(device):
        out = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True, close_fds=False
        ).stdout
    assert str(device) not in out


@pytest.mark.parametrize("missing", [True, False])
def test_a_machine_that_does_not_allow_it_is_told_what_it_takes(tmp_path: Path, missing: bool) -> None:
    """Without the device, or without the right to write to it: a folder, to which root may not write either."""
    device = tmp_path / "cpu_dma_latency"
    if not missing:
        device.mkdir()
    with pytest.raises(SleepNotPrevented, match=f"{device}: .*root.*container"), awake(device):
        pytest.fail("it must not begin")
