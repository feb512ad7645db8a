"""The CPUs that a process keeps to."""

import os
import subprocess
import sys

import pytest

from shared.affinity import keep_to, parse_cpus

#: Starts a thread, keeps to the CPUs given, and prints those of each thread.
KEEPING = """
import os, sys, threading
from shared.affinity import keep_to, parse_cpus
done = threading.Event()
threading.Thread(target=done.wait, daemon=True).start()
keep_to(parse_cpus(sys.argv[1]))
later = threading.Thread(target=done.wait, daemon=True)
later.start()
print({tuple(sorted(os.sched_getaffinity(int(task)))) for task in os.listdir("/proc/self/task")})
"""


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("", set()), (" ", set()), ("0", {0}), ("0,2-3", {0, 2, 3}), ("1-1", {1}), (" 4 , 2 - 3", {2, 3, 4})],
)
def test_a_list_names_cpus_and_ranges(text: str, cpus: set[int]) -> None:
    """As `taskset` and cgroups write them."""
    assert parse_cpus(text) == cpus


@pytest.mark.parametrize("text", ["a", "1,", "-1", "3-2", "1-", "1-2-3", "0x1", "²"])
def test_anything_else_is_refused(text: str) -> None:
    """With the part that is wrong."""
    with pytest.raises(ValueError, match="is neither a CPU, such as 2, nor a range, such as 2-3"):
        parse_cpus(text)


def test_every_thread_keeps_to_the_cpus() -> None:
    """Those that run already, such as a library's, and those that come."""
    cpu = max(os.sched_getaffinity(0))
    outcome = subprocess.run([sys.executable, "-c", KEEPING, str(cpu)], capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == f"{{({cpu},)}}"


def test_a_cpu_that_may_not_be_used_is_named() -> None:
    """Nothing is changed then."""
    allowed = os.sched_getaffinity(0)
    strange = max(allowed) + 1
    with pytest.raises(ValueError, match=f"CPU {strange} is none of those that may be used"):
        keep_to({min(allowed), strange})
    assert os.sched_getaffinity(0) == allowed
