"""How many CPUs this process may use."""

import os
from pathlib import Path

_CGROUP_V2_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def cpu_quota(cgroup_file: Path = _CGROUP_V2_QUOTA) -> int:
    """Returns the CPUs that this process may use, at least 1: its affinity, or its container's quota if smaller.

    Libraries default to the host's cores, and then a container with a quota of two on a host of 64 thrashes.
    """
    allowed = len(os.sched_getaffinity(0))
    try:
        quota, period = map(int, cgroup_file.read_text().split())
    except (OSError, ValueError):  # no such file outside of Linux containers; "max" where there is no quota
        return allowed
    return max(1, min(allowed, quota // period))


def thread_share(workers: int) -> int:
    """Returns the threads that each of several workers on this machine may use, at least 1."""
    return max(1, cpu_quota() // workers)
