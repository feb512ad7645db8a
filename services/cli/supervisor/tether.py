"""Runs a command that ends when the supervisor does, however that ends: `tether.py SUPERVISOR-PID COMMAND...`.

A supervisor killed with SIGKILL cannot stop its children, and orphans would hold on to the ports. Linux can be asked
to signal a child when its parent dies; the request survives exec, so nothing of this script remains.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>


def tethered(command: Sequence[str]) -> tuple[str, ...]:
    """Returns the command that runs `command` until this process ends."""
    # Without -E and -S the interpreter would read site-packages twice.
    return (sys.executable, "-E", "-S", __file__, str(os.getpid()), *command)


def main() -> None:
    """Asks for the signal, then becomes the command."""
    supervisor, *command = sys.argv[1:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(supervisor):  # it died before the request
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
