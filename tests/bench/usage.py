"""What a process takes, read from /proc."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Of /proc/PID/stat, counted after the parenthesised name of the program.
_USER_TICKS, _SYSTEM_TICKS, _RESIDENT_PAGES = 11, 12, 21


def cpu_seconds(pid: int) -> float:
    """Returns the CPU time that a process has used since it began, all of its threads together."""
    fields = _stat(pid)
    return (int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])) / _TICKS


def resident_bytes(pid: int) -> int:
    """Returns what a process has in memory, mapped files that others share included."""
    return int(_stat(pid)[_RESIDENT_PAGES]) * _PAGE


def private_bytes(pid: int) -> int:
    """Returns what a process has in memory for itself alone: what each more of it would cost."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    return 0


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
