"""Idle CPUs that do not go to sleep.

A request alone is handed from process to process some eight times, and mostly to one whose CPU has just gone idle. The deeper
that sleeps, the longer it takes to wake up: a halted CPU of a virtual machine has to be started by the host.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Where Linux is told how late an idle CPU may be (Documentation/power/pm_qos_interface.rst).
DEVICE = Path("/dev/cpu_dma_latency")

#: Microseconds, as a native 32-bit integer: not late at all, so idle CPUs poll.
_AT_ONCE = bytes(4)


class SleepNotPrevented(Exception):
    """Idle CPUs of this machine cannot be kept awake by this user."""


@contextmanager
def awake(device: Path = DEVICE) -> Iterator[None]:
    """Keeps all CPUs of the machine awake while the context is open.

    The kernel does so for as long as the file is open in this process, and so until it ends, however that happens.

    Raises:
        SleepNotPrevented: the machine has no such device, or this user may not write to it.
    """
    try:
        file = os.open(device, os.O_WRONLY)
    except OSError as error:
        raise SleepNotPrevented(
            f"Idle CPUs cannot be kept awake: {device}: {error.strerror}. It takes Linux, and root or the right to write "
            f"there (`sudo setfacl -m u:{os.geteuid()}:w {device}`); in a container, that device."
        ) from error
    try:
        os.write(file, _AT_ONCE)
        yield
    finally:
        os.close(file)
