"""The CPUs that a process keeps to.

The kernel moves a process to whatever CPU is idle, and there none of its code and data is in the cache. Services that each
wait for the others, a request's fraction of a millisecond at a time, lose much of their time that way.
"""

import os
from collections.abc import Set
from contextlib import suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")


def parse_cpus(text: str) -> frozenset[int]:
    """Returns the CPUs in a list such as `0` or `0,2-3`; none where it is empty.

    Raises:
        ValueError: it is no such list.
    """
    cpus: set[int] = set()
    for part in text.split(",") if text.strip() else ():
        first, dash, last = (word.strip() for word in part.partition("-"))
        if not first.isdecimal() or (dash and not (last.isdecimal() and int(first) <= int(last))):
            raise ValueError(f"{part.strip()!r} is neither a CPU, such as 2, nor a range, such as 2-3")
        cpus.update(range(int(first), int(last or first) + 1))
    return frozenset(cpus)


def keep_to(cpus: Set[int]) -> None:
    """Keeps this process, and what it starts, to some of the CPUs that it may use.

    Raises:
        ValueError: it may not use one of them.
    """
    allowed = os.sched_getaffinity(0)
    if strange := cpus - allowed:
        raise ValueError(
            f"CPU {min(strange)} is none of those that may be used: {', '.join(map(str, sorted(allowed)))}"
        )
    # Libraries that were imported may have started threads, which keep what they had.
    for thread in _THREADS.iterdir():
        with suppress(ProcessLookupError):  # it has just ended
            os.sched_setaffinity(int(thread.name), cpus)
