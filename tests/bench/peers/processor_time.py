"""Processor time of a process and its descendants, and of the whole machine, from Linux's /proc."""

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> dict[str, float]:
    """Returns the processor time, user and system, that each living process of a tree has used, by `name:id`.

    Differences are rounded to the kernel's ticks (10 ms), which a measurement of seconds does not see.
    """
    seconds = {}
    for one in _tree(pid):
        try:
            # The name may hold blanks and brackets; the fields after the last bracket begin with the third.
            name, fields = (_PROC / str(one) / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:  # it has ended meanwhile
            continue
        user, system = fields.split()[11:13]
        seconds[f"{name}:{one}"] = (int(user) + int(system)) / _TICKS_PER_SECOND
    return seconds


def busy_seconds() -> float:
    """Returns the processor time that everything on the machine has used since it started, over all processors."""
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, *_ = map(
        int, (_PROC / "stat").read_text().splitlines()[0].split()[1:]
    )
    return (user + nice + system + interrupts + soft_interrupts) / _TICKS_PER_SECOND


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        threads = list((_PROC / str(pid) / "task").iterdir())
        children = [child for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield from _tree(int(child))
